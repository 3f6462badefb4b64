import { create } from '@bufbuild/protobuf';
import {
  Configuration,
  ListFrequencyPlansResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/configuration_services_pb.js';
import {
  AuthInfoResponseSchema,
  EntityAccess,
} from '../../api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { type Right, RightSchema } from '../../api/gen/ttn/lorawan/v3/rights_pb.js';
import { frequencyPlans } from '../../lorawan/index.ts';
import { type Caller, isAdmin } from '../call.ts';
import { type Served, serve } from '../router.ts';

const rightNumber = (name: string): Right | undefined =>
  RightSchema.values.find((one) => one.name === name)?.number;

function authInfo(caller: Caller) {
  if (caller.kind === 'refused') throw caller.error;
  if (caller.kind === 'anonymous') return create(AuthInfoResponseSchema);
  const admin = isAdmin(caller);
  const base = admin
    ? { isAdmin: true, universalRights: { rights: [rightNumber('RIGHT_ALL') ?? 0] } }
    : {};
  if (caller.kind !== 'api_key') return create(AuthInfoResponseSchema, base);
  const rights = [...caller.rights].map(rightNumber).filter((one) => one !== undefined);
  return create(AuthInfoResponseSchema, {
    ...base,
    accessMethod: {
      case: 'apiKey',
      value: {
        apiKey: { id: caller.keyId, name: caller.name, rights },
        entityIds: {
          ids: caller.applicationId
            ? { case: 'applicationIds', value: { applicationId: caller.applicationId } }
            : { case: 'userIds', value: { userId: 'admin' } },
        },
      },
    },
  });
}

/** What the caller may do, and which frequency plans there are. */
export function accessAndConfigurationServices(): Served[] {
  return [
    serve(EntityAccess, { authInfo: (_, { caller }) => authInfo(caller) }),
    serve(Configuration, {
      listFrequencyPlans({ baseFrequency, bandId }) {
        const plans = frequencyPlans().filter(
          (plan) =>
            (baseFrequency === 0 || plan.baseFrequencyMhz === baseFrequency) &&
            (bandId === '' || plan.bandId === bandId),
        );
        return create(ListFrequencyPlansResponseSchema, {
          frequencyPlans: plans.map((plan) => ({
            id: plan.id,
            name: plan.name,
            baseFrequency: plan.baseFrequencyMhz,
            bandId: plan.bandId,
          })),
        });
      },
    }),
  ];
}
