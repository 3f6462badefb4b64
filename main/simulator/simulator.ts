import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Air, type AirObserver, createAir, type Position } from './air.ts';
import { checkDeviceConfig, type SimulatedDeviceConfig } from './device-config.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { RejoinType } from './device-session.ts';
import type { DeviceSnapshot, ReceivedDownlink } from './device-snapshot.ts';
import type { UplinkOrder } from './device-uplink.ts';
import { forkRandom, type Random, seededRandom } from './seeded-random.ts';
import { deviceExists, deviceNotFound, gatewayExists } from './simulator-errors.ts';
import { VirtualEndDevice } from './virtual-end-device.ts';
import {
  createVirtualGateway,
  type VirtualGateway,
  type VirtualGatewayOptions,
} from './virtual-gateway.ts';

export interface SimulatorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Everything random is drawn from it; the same source gives the same run. */
  readonly random?: Random;
  /** Whether overlapping frames destroy each other. Default true. */
  readonly collisions?: boolean;
  /** Standard deviation of fading in dB. Default 3. */
  readonly fadingDb?: number;
  readonly observer?: AirObserver;
}

export type SimulatorEvent =
  | { readonly kind: 'added' | 'changed'; readonly device: DeviceSnapshot }
  | { readonly kind: 'removed'; readonly id: string }
  | { readonly kind: 'downlink'; readonly id: string; readonly downlink: ReceivedDownlink };

export type GatewayConfig = Omit<VirtualGatewayOptions, 'clock' | 'logger' | 'air'>;

/** Simulated devices and virtual gateways around one medium. Calls with an unknown id throw `device_not_found`. */
export interface Simulator {
  readonly air: Air;
  /** Creates a gateway; whoever owns links starts and stops it. */
  addGateway(config: GatewayConfig): VirtualGateway;
  removeGateway(id: string): Promise<void>;
  gateways(): readonly VirtualGateway[];
  /** Creates a device at rest, with what it kept of an earlier life; `start` sets it going. */
  addDevice(config: SimulatedDeviceConfig, memory?: DeviceMemory): DeviceSnapshot;
  /** What a device would still know after a loss of power. */
  memoryOf(id: string): DeviceMemory;
  removeDevice(id: string): void;
  device(id: string): DeviceSnapshot;
  devices(): readonly DeviceSnapshot[];
  join(id: string): void;
  sendUplink(id: string, request: UplinkOrder): void;
  /** Lets a device with a LoRaWAN 1.1 session send a rejoin-request of that type. */
  rejoin(id: string, rejoinType: RejoinType): void;
  requestLinkCheck(id: string): void;
  requestDeviceTime(id: string): void;
  setInterval(id: string, intervalS: number): void;
  /** Starts one device, or all. */
  start(id?: string): void;
  /** Stops one device, or all. */
  stop(id?: string): void;
  onEvent(listener: (event: SimulatorEvent) => void): () => void;
}

const NEAREST_M = 100;
const DISTANCE_RANGE_M = 600;

function randomPosition(random: Random): Position {
  const distanceM = NEAREST_M + random() * DISTANCE_RANGE_M;
  const angle = 2 * Math.PI * random();
  return { xM: distanceM * Math.cos(angle), yM: distanceM * Math.sin(angle) };
}

class SimulatedWorld implements Simulator {
  readonly air: Air;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: Random;
  readonly #gateways = new Map<string, VirtualGateway>();
  readonly #devices = new Map<string, VirtualEndDevice>();
  readonly #listeners = new Set<(event: SimulatorEvent) => void>();

  constructor(options: SimulatorOptions) {
    const { clock, logger, random, ...airOptions } = options;
    this.#clock = clock;
    this.#logger = logger.area('simulator');
    this.#random = random ?? seededRandom(Math.floor(clock.now()));
    this.air = createAir({ ...airOptions, clock, random: forkRandom(this.#random) });
  }

  addGateway(config: GatewayConfig): VirtualGateway {
    if (this.#gateways.has(config.id)) throw gatewayExists({ gateway_id: config.id });
    const gateway = createVirtualGateway({
      ...config,
      clock: this.#clock,
      logger: this.#logger,
      air: this.air,
    });
    this.#gateways.set(config.id, gateway);
    return gateway;
  }

  async removeGateway(id: string): Promise<void> {
    const gateway = this.#gateways.get(id);
    this.#gateways.delete(id);
    await gateway?.stop();
  }

  gateways(): readonly VirtualGateway[] {
    return [...this.#gateways.values()];
  }

  addDevice(config: SimulatedDeviceConfig, memory?: DeviceMemory): DeviceSnapshot {
    const region = checkDeviceConfig(config);
    if (this.#devices.has(config.id)) throw deviceExists({ device_id: config.id });
    const random = forkRandom(this.#random);
    const drawnPosition = randomPosition(random);
    const device: VirtualEndDevice = new VirtualEndDevice({
      config,
      region,
      clock: this.#clock,
      air: this.air,
      position: config.position ?? drawnPosition,
      random,
      memory,
      onChange: () => {
        if (this.#listeners.size > 0) this.#emit({ kind: 'changed', device: device.snapshot() });
      },
      onDownlink: (downlink) => this.#emit({ kind: 'downlink', id: config.id, downlink }),
    });
    this.#devices.set(config.id, device);
    const snapshot = device.snapshot();
    this.#emit({ kind: 'added', device: snapshot });
    return snapshot;
  }

  removeDevice(id: string): void {
    const device = this.#find(id);
    device.remove();
    this.#devices.delete(id);
    this.#emit({ kind: 'removed', id });
  }

  memoryOf(id: string): DeviceMemory {
    return this.#find(id).memory();
  }

  device(id: string): DeviceSnapshot {
    return this.#find(id).snapshot();
  }

  devices(): readonly DeviceSnapshot[] {
    return [...this.#devices.values()].map((device) => device.snapshot());
  }

  join(id: string): void {
    this.#find(id).join();
  }

  sendUplink(id: string, request: UplinkOrder): void {
    this.#find(id).sendUplink(request);
  }

  rejoin(id: string, rejoinType: RejoinType): void {
    this.#find(id).rejoin(rejoinType);
  }

  requestLinkCheck(id: string): void {
    this.#find(id).requestLinkCheck();
  }

  requestDeviceTime(id: string): void {
    this.#find(id).requestDeviceTime();
  }

  setInterval(id: string, intervalS: number): void {
    this.#find(id).setIntervalS(intervalS);
  }

  start(id?: string): void {
    for (const device of this.#chosen(id)) device.start();
  }

  stop(id?: string): void {
    for (const device of this.#chosen(id)) device.stop();
  }

  onEvent(listener: (event: SimulatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #find(id: string): VirtualEndDevice {
    const device = this.#devices.get(id);
    if (!device) throw deviceNotFound({ device_id: id });
    return device;
  }

  #chosen(id: string | undefined): readonly VirtualEndDevice[] {
    return id === undefined ? [...this.#devices.values()] : [this.#find(id)];
  }

  #emit(event: SimulatorEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error({ error }, 'a listener of simulator events failed');
      }
    }
  }
}

/** Creates an empty simulator. */
export function createSimulator(options: SimulatorOptions): Simulator {
  return new SimulatedWorld(options);
}
