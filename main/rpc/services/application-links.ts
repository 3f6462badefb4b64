import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  ApplicationLinkSchema,
  As,
  AsConfiguration_PubSub_Providers_Status,
  GetAsConfigurationResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { defineError } from '../../base/errors.ts';
import type { ApplicationLinks } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

const { DISABLED } = AsConfiguration_PubSub_Providers_Status;

const linkingNotImplemented = defineError(
  'pkg/applicationserver:linking_not_implemented',
  'UNIMPLEMENTED',
  'Applications are linked by themselves, so there are no statistics of a link.',
);

/** Settings that the devices of an application share. */
export function applicationLinkService(
  links: Pick<ApplicationLinks, 'get' | 'set' | 'delete'>,
): Served {
  return serve(As, {
    getLink: ({ applicationIds, fieldMask }) =>
      links.get(applicationIds?.applicationId ?? '', fieldMask?.paths ?? []),
    setLink: ({ applicationIds, link, fieldMask }) =>
      links.set(
        applicationIds?.applicationId ?? '',
        link ?? create(ApplicationLinkSchema),
        fieldMask?.paths ?? [],
      ),
    async deleteLink({ applicationId }) {
      await links.delete(applicationId);
      return create(EmptySchema);
    },
    // There are no such integrations here, so none can be set up.
    getConfiguration: () =>
      create(GetAsConfigurationResponseSchema, {
        configuration: {
          pubsub: { providers: { mqtt: DISABLED, nats: DISABLED } },
          webhooks: {},
        },
      }),
    getLinkStats() {
      throw linkingNotImplemented();
    },
  });
}
