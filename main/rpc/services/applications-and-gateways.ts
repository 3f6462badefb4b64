import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  ApplicationSchema,
  ApplicationsSchema,
  IssueDevEUIResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/application_pb.js';
import { ApplicationRegistry } from '../../api/gen/ttn/lorawan/v3/application_services_pb.js';
import { GatewaySchema, GatewaysSchema } from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { GatewayRegistry } from '../../api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import { GatewayIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { defineError } from '../../base/errors.ts';
import { eui64ToBytes } from '../../lorawan/index.ts';
import type { Registry } from '../../registry/index.ts';
import { maySeeAll, requireAdmin, requireLogin, requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

const empty = create(EmptySchema);

const adminsPurgeApplications = defineError(
  'pkg/identityserver:admins_purge_applications',
  'PERMISSION_DENIED',
  'Only an administrator may purge an application. Delete it instead.',
);
const adminsPurgeGateways = defineError(
  'pkg/identityserver:admins_purge_gateways',
  'PERMISSION_DENIED',
  'Only an administrator may purge a gateway. Delete it instead.',
);

function applicationService({ applications }: Registry): Served {
  return serve(ApplicationRegistry, {
    create({ application }, { caller }) {
      const created = application ?? create(ApplicationSchema);
      requireRight(caller, 'RIGHT_USER_APPLICATIONS_CREATE', {
        kind: 'application',
        id: created.ids?.applicationId ?? '',
      });
      return applications.create(created);
    },
    get: ({ applicationIds, fieldMask }) =>
      applications.get(applicationIds?.applicationId ?? '', fieldMask?.paths ?? []),
    async list({ limit, page, order, deleted, fieldMask }, call) {
      requireLogin(call.caller);
      // A key of one application sees no lists, as in The Things Stack.
      if (!maySeeAll(call.caller, 'RIGHT_USER_APPLICATIONS_LIST'))
        return create(ApplicationsSchema);
      const found = await applications.list(
        { limit, page, order, deleted },
        fieldMask?.paths ?? [],
      );
      call.setTotalCount(found.total);
      return create(ApplicationsSchema, { applications: found.applications });
    },
    update: ({ application, fieldMask }) =>
      applications.update(application ?? create(ApplicationSchema), fieldMask?.paths ?? []),
    async delete({ applicationId }) {
      await applications.delete(applicationId);
      return empty;
    },
    async restore({ applicationId }) {
      await applications.restore(applicationId);
      return empty;
    },
    async purge({ applicationId }, { caller }) {
      requireAdmin(caller, adminsPurgeApplications);
      await applications.purge(applicationId);
      return empty;
    },
    async issueDevEUI({ applicationId }) {
      const devEui = await applications.issueDevEui(applicationId);
      return create(IssueDevEUIResponseSchema, { devEui: eui64ToBytes(devEui) });
    },
  });
}

function gatewayService({ gateways }: Registry): Served {
  return serve(GatewayRegistry, {
    create({ gateway }, { caller }) {
      const created = gateway ?? create(GatewaySchema);
      requireRight(caller, 'RIGHT_USER_GATEWAYS_CREATE', {
        kind: 'gateway',
        id: created.ids?.gatewayId ?? '',
      });
      return gateways.create(created);
    },
    get: ({ gatewayIds, fieldMask }) =>
      gateways.get(gatewayIds?.gatewayId ?? '', fieldMask?.paths ?? []),
    async getIdentifiersForEUI({ eui }) {
      const { ids } = await gateways.getByEui(eui);
      return ids ?? create(GatewayIdentifiersSchema);
    },
    async list({ limit, page, order, deleted, fieldMask }, call) {
      requireLogin(call.caller);
      if (!maySeeAll(call.caller, 'RIGHT_USER_GATEWAYS_LIST')) return create(GatewaysSchema);
      const found = await gateways.list({ limit, page, order, deleted }, fieldMask?.paths ?? []);
      call.setTotalCount(found.total);
      return create(GatewaysSchema, { gateways: found.gateways });
    },
    update: ({ gateway, fieldMask }) =>
      gateways.update(gateway ?? create(GatewaySchema), fieldMask?.paths ?? []),
    async delete({ gatewayId }) {
      await gateways.delete(gatewayId);
      return empty;
    },
    async restore({ gatewayId }) {
      await gateways.restore(gatewayId);
      return empty;
    },
    async purge({ gatewayId }, { caller }) {
      requireAdmin(caller, adminsPurgeGateways);
      await gateways.purge(gatewayId);
      return empty;
    },
  });
}

/** Registries of applications and gateways. */
export function applicationAndGatewayServices(registry: Registry): Served[] {
  return [applicationService(registry), gatewayService(registry)];
}
