import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type SimulatedDeviceConfig as ConfigMessage,
  type SimulatedDevice,
  SimulatedDeviceConfigSchema,
} from '../api/gen/gatehouse/v1/simulator_pb.js';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Simulator } from '../simulator/index.ts';
import type { Store } from '../store/index.ts';
import { createDeviceMemories } from './device-memories.ts';
import { configFor, deviceMessage, faultOf, simulatorConfig } from './simulated-device-config.ts';
import { startSpacingMs } from './start-spacing.ts';

export interface SendUplink {
  readonly id: string;
  /** 0 for the device's own. */
  readonly fPort: number;
  /** Empty for what the device usually sends. */
  readonly frmPayload: Uint8Array;
  readonly confirmed: boolean;
  readonly fault: string;
  /** What the fault counts or measures; its default unless given. */
  readonly faultValue?: number | undefined;
  /** The band that the fault `wrong_region` strays into. */
  readonly faultBandId: string;
}

export interface Rejoin {
  readonly id: string;
  /** 0 to 2. */
  readonly type: number;
}

/** Simulated devices of a workspace: settings and memory in the store, their life in the simulator. */
export interface SimulatedDevices {
  list(): SimulatedDevice[];
  create(config: ConfigMessage): Promise<SimulatedDevice>;
  /** Settings with the keys of a device that is being registered; throws if it cannot be simulated. */
  configFor(device: EndDevice): ConfigMessage;
  delete(id: string): Promise<void>;
  join(id: string): void;
  rejoin(request: Rejoin): void;
  sendUplink(request: SendUplink): void;
  /** Settings of the stored devices, with keys. */
  stored(): ConfigMessage[];
  /** Stores a device that `start` will set going. */
  keep(config: ConfigMessage): Promise<void>;
  /** Forgets a device that is not going yet. */
  forget(id: string): Promise<void>;
  /** Sets the stored devices going, one after another. */
  start(): void;
  stop(): void;
  onChange(listener: () => void): () => void;
}

export interface SimulatedDevicesOptions {
  readonly simulator: Simulator;
  readonly store: Pick<Store, 'unit' | 'simulatedDevices'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Creates the collection; `start` brings the stored devices up. */
export function createSimulatedDevices(options: SimulatedDevicesOptions): SimulatedDevices {
  const { clock, simulator, store } = options;
  const memories = createDeviceMemories(options);
  const starting = new Map<string, Timer>();

  const keep = async (config: ConfigMessage): Promise<void> => {
    // The settings are secret as a whole: keys are most of what they hold.
    const secrets = toBinary(SimulatedDeviceConfigSchema, config);
    await store.unit(() =>
      store.simulatedDevices.put({ id: config.id, message: new Uint8Array(), secrets }),
    );
  };
  const forget = async (id: string): Promise<void> => {
    memories.forget(id);
    await store.unit(() => store.simulatedDevices.delete(id));
  };
  const startAt = (id: string, delayMs: number): void => {
    const timer = clock.setTimer(delayMs, () => {
      starting.delete(id);
      simulator.start(id);
    });
    starting.set(id, timer);
  };

  return {
    list: () => simulator.devices().map(deviceMessage),
    configFor(device) {
      const config = configFor(device);
      simulatorConfig(config);
      return config;
    },
    async create(config) {
      const snapshot = simulator.addDevice(simulatorConfig(config));
      try {
        await keep(config);
      } catch (error) {
        simulator.removeDevice(config.id);
        throw error;
      }
      memories.follow(config.id);
      simulator.start(config.id);
      return deviceMessage(snapshot);
    },
    async delete(id) {
      starting.get(id)?.cancel();
      starting.delete(id);
      memories.forget(id);
      simulator.removeDevice(id);
      await forget(id);
    },
    join: (id) => simulator.join(id),
    rejoin({ id, type }) {
      simulator.rejoin(id, type === 1 || type === 2 ? type : 0);
    },
    sendUplink({ confirmed, fPort, frmPayload, id, ...rest }) {
      const injected = faultOf(rest, simulator.device(id).config.bandId);
      simulator.sendUplink(id, {
        confirmed,
        ...(fPort > 0 && { fPort }),
        ...(frmPayload.length > 0 && { payload: frmPayload }),
        ...(injected && { fault: injected }),
      });
    },
    stored: () =>
      store.simulatedDevices
        .list()
        .flatMap(({ secrets }) =>
          secrets ? [fromBinary(SimulatedDeviceConfigSchema, secrets)] : [],
        ),
    keep,
    forget,
    start() {
      const rows = store.simulatedDevices.list();
      const spacingMs = startSpacingMs(rows.length);
      for (const [position, row] of rows.entries()) {
        if (!row.secrets) continue;
        const config = fromBinary(SimulatedDeviceConfigSchema, row.secrets);
        simulator.addDevice(simulatorConfig(config), memories.read(row));
        memories.follow(config.id);
        startAt(config.id, position * spacingMs);
      }
    },
    stop() {
      for (const timer of starting.values()) timer.cancel();
      starting.clear();
      memories.close();
    },
    onChange: (listener) => simulator.onEvent(() => listener()),
  };
}
