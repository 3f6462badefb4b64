/** A virtual gateway, one device of LoRaWAN 1.1 and a lora-packet network in virtual time. */
import { silentLogger } from '../../base/logger.ts';
import { type VirtualClock, virtualClock } from '../../base/virtual-clock.ts';
import type { SimulatedDeviceConfig } from '../device-config.ts';
import type { ReceivedDownlink } from '../device-snapshot.ts';
import { seededRandom } from '../seeded-random.ts';
import { createSimulator, type Simulator } from '../simulator.ts';
import type { VirtualGateway } from '../virtual-gateway.ts';
import { APP_KEY_HEX, deviceConfig, EU_JOIN_RX1, GATEWAY_EUI } from './bench.ts';
import { hexBytes, type JoinAnswer } from './lora-packet-network.ts';
import { LoraPacketNetwork11 } from './lora-packet-network-11.ts';

export const NWK_KEY_HEX = 'A0A1A2A3A4A5A6A7A8A9AAABACADAEAF';

export interface Bench11 {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly gateway: VirtualGateway;
  readonly network: LoraPacketNetwork11;
  readonly downlinks: ReceivedDownlink[];
}

export async function createBench11(
  changes: Partial<SimulatedDeviceConfig> = {},
): Promise<Bench11> {
  const clock = virtualClock();
  const random = seededRandom(7);
  const simulator = createSimulator({ clock, logger: silentLogger(), random });
  const gateway = simulator.addGateway({
    id: 'virtual',
    gatewayEui: GATEWAY_EUI,
    statusIntervalMs: 0,
  });
  const network = new LoraPacketNetwork11(gateway, {
    appKeyHex: APP_KEY_HEX,
    nwkKeyHex: NWK_KEY_HEX,
    devEuiHex: '70B3D57ED0000001',
    joinEuiHex: '0000000000000001',
  });
  const downlinks: ReceivedDownlink[] = [];
  simulator.onEvent((event) => {
    if (event.kind === 'downlink') downlinks.push(event.downlink);
  });
  await gateway.start(network.sink);
  const activation = {
    kind: 'otaa',
    appKey: hexBytes(APP_KEY_HEX),
    nwkKey: hexBytes(NWK_KEY_HEX),
  } as const;
  simulator.addDevice(deviceConfig({ macVersion: '1.1', activation, ...changes }));
  return { clock, simulator, gateway, network, downlinks };
}

/** A bench whose device has joined. */
export async function joinedBench11(
  changes: Partial<SimulatedDeviceConfig> = {},
  answer: Partial<JoinAnswer> = {},
  optNeg = true,
): Promise<Bench11> {
  const bench = await createBench11(changes);
  bench.network.joinAnswer = { ...EU_JOIN_RX1, ...answer };
  bench.network.optNeg = optNeg;
  bench.simulator.join('probe');
  await bench.clock.advance(8000);
  return bench;
}

/** Sends one uplink on demand and lets its windows pass. */
export async function sendOne11(
  { clock, simulator }: Bench11,
  payloadHex = '01',
  confirmed = false,
): Promise<void> {
  const payload = Uint8Array.from(hexBytes(payloadHex));
  simulator.sendUplink('probe', { fPort: 2, payload, confirmed });
  await clock.advance(20_000);
}
