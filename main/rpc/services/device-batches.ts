import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { AsEndDeviceBatchRegistry } from '../../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  type BatchDeleteEndDevicesRequest,
  EndDevicesSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceBatchRegistry } from '../../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { JsEndDeviceBatchRegistry } from '../../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { NsEndDeviceBatchRegistry } from '../../api/gen/ttn/lorawan/v3/networkserver_pb.js';
import type { Registry } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

type DeletesBatch = Pick<Registry['identity'], 'deleteBatch'>;

const deleteFrom =
  (registry: DeletesBatch) =>
  async ({ applicationIds, deviceIds }: BatchDeleteEndDevicesRequest) => {
    await registry.deleteBatch(applicationIds?.applicationId ?? '', deviceIds);
    return create(EmptySchema);
  };

/** Several devices at once, in each of the registries. */
export function deviceBatchServices({ identity, join, network, application }: Registry): Served[] {
  return [
    serve(EndDeviceBatchRegistry, {
      async get({ applicationIds, deviceIds, fieldMask }) {
        const endDevices = await identity.getBatch(
          applicationIds?.applicationId ?? '',
          deviceIds,
          fieldMask?.paths ?? [],
        );
        return create(EndDevicesSchema, { endDevices });
      },
      delete: deleteFrom(identity),
    }),
    serve(JsEndDeviceBatchRegistry, { delete: deleteFrom(join) }),
    serve(NsEndDeviceBatchRegistry, { delete: deleteFrom(network) }),
    serve(AsEndDeviceBatchRegistry, { delete: deleteFrom(application) }),
  ];
}
