import { create } from '@bufbuild/protobuf';
import { EmptySchema, timestampMs } from '@bufbuild/protobuf/wkt';
import type { SimulatedDeviceConfig } from '../../api/gen/gatehouse/v1/simulator_pb.js';
import { EndDeviceRegistration } from '../../api/gen/gatehouse/v1/workspace_pb.js';
import { AsEndDeviceRegistry } from '../../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  type EndDevice,
  EndDeviceSchema,
  EndDevicesSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceRegistry } from '../../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import type { EndDeviceIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { EndDeviceIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { JsEndDeviceRegistry } from '../../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { NsEndDeviceRegistry } from '../../api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { provisionerUnknown } from '../../join-server/index.ts';
import type { Registry } from '../../registry/index.ts';
import { type Served, serve } from '../router.ts';

const empty = create(EmptySchema);
/** Required by the contract, so that only its type says they may be missing. */
const deviceOf = (device: EndDevice | undefined): EndDevice => device ?? create(EndDeviceSchema);
const idsOf = (ids: EndDeviceIdentifiers | undefined): EndDeviceIdentifiers =>
  ids ?? create(EndDeviceIdentifiersSchema);

function identityService({ identity }: Registry): Served {
  return serve(EndDeviceRegistry, {
    create: ({ endDevice }) => identity.create(deviceOf(endDevice)),
    get: ({ endDeviceIds, fieldMask }) => identity.get(idsOf(endDeviceIds), fieldMask?.paths ?? []),
    getIdentifiersForEUIs: ({ joinEui, devEui }) => identity.getByEuis(joinEui, devEui),
    async list(request, call) {
      const updatedSince = request.filters.find((one) => one.field.case === 'updatedSince')?.field
        .value;
      const { devices, total } = await identity.list(
        {
          applicationId: request.applicationIds?.applicationId ?? '',
          limit: request.limit,
          page: request.page,
          order: request.order,
          ...(updatedSince && { updatedSinceMs: timestampMs(updatedSince) }),
        },
        request.fieldMask?.paths ?? [],
      );
      call.setTotalCount(total);
      return create(EndDevicesSchema, { endDevices: devices });
    },
    update: ({ endDevice, fieldMask }) =>
      identity.update(deviceOf(endDevice), fieldMask?.paths ?? []),
    async batchUpdateLastSeen({ updates }) {
      await identity.recordSeen(
        updates.flatMap(({ ids, lastSeenAt }) => {
          const { applicationIds, deviceId = '' } = ids ?? {};
          const applicationId = applicationIds?.applicationId ?? '';
          return lastSeenAt ? [{ applicationId, deviceId, atMs: timestampMs(lastSeenAt) }] : [];
        }),
      );
      return empty;
    },
    async delete(ids) {
      await identity.delete(ids);
      return empty;
    },
  });
}

/** What simulates a device that is being registered. */
export interface SimulationPort {
  configFor(device: EndDevice): SimulatedDeviceConfig;
  create(config: SimulatedDeviceConfig): Promise<unknown>;
}

/** The device registries of The Things Stack, and our call for all four at once. */
export function endDeviceServices(registry: Registry, simulated: SimulationPort): Served[] {
  const { application, join, network } = registry;
  return [
    identityService(registry),
    serve(JsEndDeviceRegistry, {
      get: ({ endDeviceIds, fieldMask }) => join.get(idsOf(endDeviceIds), fieldMask?.paths ?? []),
      set: ({ endDevice, fieldMask }) => join.set(deviceOf(endDevice), fieldMask?.paths ?? []),
      // Devices whose keys their maker has need a program of that maker, of which there is none here.
      provision({ provisionerId }) {
        throw provisionerUnknown({ id: provisionerId });
      },
      async delete(ids) {
        await join.delete(ids);
        return empty;
      },
    }),
    serve(NsEndDeviceRegistry, {
      get: ({ endDeviceIds, fieldMask }) =>
        network.get(idsOf(endDeviceIds), fieldMask?.paths ?? []),
      set: ({ endDevice, fieldMask }) => network.set(deviceOf(endDevice), fieldMask?.paths ?? []),
      resetFactoryDefaults: ({ endDeviceIds, fieldMask }) =>
        network.resetFactoryDefaults(idsOf(endDeviceIds), fieldMask?.paths ?? []),
      async delete(ids) {
        await network.delete(ids);
        return empty;
      },
    }),
    serve(AsEndDeviceRegistry, {
      get: ({ endDeviceIds, fieldMask }) =>
        application.get(idsOf(endDeviceIds), fieldMask?.paths ?? []),
      set: ({ endDevice, fieldMask }) =>
        application.set(deviceOf(endDevice), fieldMask?.paths ?? []),
      async delete(ids) {
        await application.delete(ids);
        return empty;
      },
    }),
    serve(EndDeviceRegistration, {
      async register({ endDevice, simulate }) {
        const device = deviceOf(endDevice);
        // A device that cannot be simulated is refused before anything is registered.
        const config = simulate ? simulated.configFor(device) : undefined;
        const registered = await registry.registerEverywhere(device);
        if (config) await simulated.create(config);
        return registered;
      },
      async delete(ids) {
        await registry.deleteEverywhere(ids);
        return empty;
      },
    }),
  ];
}
