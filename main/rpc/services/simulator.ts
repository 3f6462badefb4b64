import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  ListSimulatedDevicesResponseSchema,
  type RejoinSimulatedDeviceRequest,
  type SendSimulatedUplinkRequest,
  type SimulatedDevice,
  type SimulatedDeviceConfig,
  Simulator,
} from '../../api/gen/gatehouse/v1/simulator_pb.js';
import { type Served, serve } from '../router.ts';

/** Simulated devices as the API handles them. */
export interface SimulatedDevicePort {
  list(): SimulatedDevice[];
  create(config: SimulatedDeviceConfig): Promise<SimulatedDevice>;
  delete(id: string): Promise<void>;
  join(id: string): void;
  rejoin(request: RejoinSimulatedDeviceRequest): void;
  sendUplink(request: SendSimulatedUplinkRequest): void;
  onChange(listener: () => void): () => void;
}

export function simulatorService(devices: SimulatedDevicePort): Served {
  const empty = create(EmptySchema);
  return serve(Simulator, {
    list: () => create(ListSimulatedDevicesResponseSchema, { devices: devices.list() }),
    create: (config) => devices.create(config),
    async delete({ id }) {
      await devices.delete(id);
      return empty;
    },
    join({ id }) {
      devices.join(id);
      return empty;
    },
    rejoin(request) {
      devices.rejoin(request);
      return empty;
    },
    sendUplink(request) {
      devices.sendUplink(request);
      return empty;
    },
  });
}
