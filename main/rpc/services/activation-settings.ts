import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  ApplicationActivationSettingRegistry,
  ApplicationActivationSettingsSchema,
} from '../../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import type { Registry } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

/** What the devices of an application have in common when they join. */
export function activationSettingsService(settings: Registry['activationSettings']): Served {
  return serve(ApplicationActivationSettingRegistry, {
    get: ({ applicationIds, fieldMask }) =>
      settings.get(applicationIds?.applicationId ?? '', fieldMask?.paths ?? []),
    set: (request) =>
      settings.set(
        request.applicationIds?.applicationId ?? '',
        request.settings ?? create(ApplicationActivationSettingsSchema),
        request.fieldMask?.paths ?? [],
      ),
    async delete({ applicationIds }) {
      await settings.delete(applicationIds?.applicationId ?? '');
      return create(EmptySchema);
    },
  });
}
