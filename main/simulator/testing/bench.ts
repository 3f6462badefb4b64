/** A virtual gateway, one device and a lora-packet network in virtual time. */
import { silentLogger } from '../../base/logger.ts';
import { type VirtualClock, virtualClock } from '../../base/virtual-clock.ts';
import { eui64FromBytes } from '../../lorawan/index.ts';
import type { SimulatedDeviceConfig } from '../device-config.ts';
import type { ReceivedDownlink } from '../device-snapshot.ts';
import { seededRandom } from '../seeded-random.ts';
import { createSimulator, type Simulator } from '../simulator.ts';
import type { VirtualGateway } from '../virtual-gateway.ts';
import { hexBytes, LoraPacketNetwork, lora, type Placement } from './lora-packet-network.ts';

export const APP_KEY_HEX = '2B7E151628AED2A6ABF7158809CF4F3C';
export const GATEWAY_EUI = 'AA555A0000000001';

export function deviceConfig(changes: Partial<SimulatedDeviceConfig> = {}): SimulatedDeviceConfig {
  return {
    id: 'probe',
    devEui: eui64FromBytes(hexBytes('70B3D57ED0000001')),
    joinEui: eui64FromBytes(hexBytes('0000000000000001')),
    activation: { kind: 'otaa', appKey: hexBytes(APP_KEY_HEX) },
    bandId: 'EU_863_870',
    intervalS: 0,
    payload: 'counter',
    fPort: 2,
    position: { xM: 200, yM: 0 },
    ...changes,
  };
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly gateway: VirtualGateway;
  readonly network: LoraPacketNetwork;
  readonly downlinks: ReceivedDownlink[];
}

export interface BenchOptions {
  readonly seed?: number;
  readonly timestampOffsetUs?: number;
  readonly statusIntervalMs?: number;
}

export async function createBench(
  config: SimulatedDeviceConfig = deviceConfig(),
  options: BenchOptions = {},
): Promise<Bench> {
  const clock = virtualClock();
  const simulator = createSimulator({
    clock,
    logger: silentLogger(),
    random: seededRandom(options.seed ?? 7),
  });
  const gateway = simulator.addGateway({
    id: 'virtual',
    gatewayEui: GATEWAY_EUI,
    statusIntervalMs: options.statusIntervalMs ?? 0,
    timestampOffsetUs: options.timestampOffsetUs ?? 0,
  });
  const network = new LoraPacketNetwork(gateway, APP_KEY_HEX);
  const downlinks: ReceivedDownlink[] = [];
  simulator.onEvent((event) => {
    if (event.kind === 'downlink') downlinks.push(event.downlink);
  });
  await gateway.start(network.sink);
  simulator.addDevice(config);
  return { clock, simulator, gateway, network, downlinks };
}

/** RX1 of a join-request, on the frequency and data rate it came with. */
export const EU_JOIN_RX1 = {
  placement: (request: {
    frequencyHz: number;
    modulation: Placement['modulation'];
  }): Placement => ({
    delayUs: 5_000_000,
    frequencyHz: request.frequencyHz,
    modulation: request.modulation,
  }),
};

/** RX2 of EU863-870 after the given delay. */
export function euRx2(delayS: number): Placement {
  return { delayUs: delayS * 1_000_000, frequencyHz: 869_525_000, modulation: lora(12) };
}

/** RX1 of an EU863-870 uplink at offset 0. */
export function euRx1(
  uplink: { frequencyHz: number; modulation: Placement['modulation'] },
  delayS = 1,
): Placement {
  return {
    delayUs: delayS * 1_000_000,
    frequencyHz: uplink.frequencyHz,
    modulation: uplink.modulation,
  };
}

/** A bench whose device has joined. */
export async function joinedBench(
  changes: Partial<SimulatedDeviceConfig> = {},
  answer: Partial<LoraPacketNetwork['joinAnswer'] & object> = {},
): Promise<Bench> {
  const bench = await createBench(deviceConfig(changes));
  bench.network.joinAnswer = { ...EU_JOIN_RX1, ...answer };
  bench.simulator.join('probe');
  await bench.clock.advance(8000);
  return bench;
}

/** Sends one uplink on demand and lets its windows pass. */
export async function sendOne(bench: Bench, payloadHex = '01', confirmed = false): Promise<void> {
  bench.simulator.sendUplink('probe', {
    fPort: 2,
    payload: Uint8Array.from(hexBytes(payloadHex)),
    confirmed,
  });
  await bench.clock.advance(20_000);
}
