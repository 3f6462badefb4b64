import { describe, expect, it } from 'vitest';
import { timeOnAirUs } from '../lorawan/index.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { type Bench, euRx1, GATEWAY_EUI, joinedBench, sendOne } from './testing/bench.ts';
import { joinedBench11, sendOne11 } from './testing/bench-11.ts';
import { lora } from './testing/lora-packet-network.ts';

const classC = (changes: Partial<SimulatedDeviceConfig> = {}): Promise<Bench> =>
  joinedBench({ deviceClass: 'C', macVersion: '1.0.4', ...changes });

/** Where a device of EU863-870 listens all the time until it is told otherwise. */
const RXC = { frequencyHz: 869_525_000, modulation: lora(12) };

/** Transmits a downlink at once, or so many milliseconds from now. */
async function sendNow(
  { gateway, network }: Bench,
  phyPayload: Uint8Array,
  place: { readonly frequencyHz: number; readonly modulation: ReturnType<typeof lora> } = RXC,
  inMs = 100,
): Promise<void> {
  const concentratorTimestampUs = gateway.concentratorTimestampUs() + inMs * 1000;
  const answer = await gateway.transmit({
    gatewayEui: GATEWAY_EUI,
    phyPayload,
    ...place,
    eirpDbm: 16,
    antennaIndex: 0,
    invertPolarization: true,
    payloadCrc: false,
    time: { kind: 'timestamp', concentratorTimestampUs },
  });
  expect(answer.result).toBe('success');
  expect(network.session).toBeDefined();
}

describe('a device of class C', () => {
  it('hears a downlink long after its uplink, in its RX2 parameters', async () => {
    const bench = await classC();
    await bench.clock.advance(600_000);
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }));
    await bench.clock.advance(10_000);
    expect(bench.downlinks).toMatchObject([{ window: 'RXC', fPort: 7 }]);
  });

  it.each([
    ['another frequency', { ...RXC, frequencyHz: 868_100_000 }],
    ['another spreading factor', { ...RXC, modulation: lora(9) }],
  ])('does not hear one on %s', async (_, place) => {
    const bench = await classC();
    await bench.clock.advance(60_000);
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }), place);
    await bench.clock.advance(10_000);
    expect(bench.downlinks).toEqual([]);
  });

  it('hears nothing then if it is of class A', async () => {
    const bench = await classC({ deviceClass: 'A' });
    await bench.clock.advance(60_000);
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }));
    await bench.clock.advance(10_000);
    expect(bench.downlinks).toEqual([]);
  });

  it('acknowledges a confirmed one soon', async () => {
    const bench = await classC();
    await bench.clock.advance(60_000);
    const phyPayload = bench.network.seal({ fPort: 7, payloadHex: 'aa', confirmed: true });
    await sendNow(bench, phyPayload);
    await bench.clock.advance(10_000);
    expect(bench.network.uplinks).toMatchObject([{ ack: true, fPort: undefined }]);
  });

  it('follows RXParamSetupReq, and repeats its answer until a class A downlink', async () => {
    const bench = await classC();
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(reception, euRx1(reception), { fOptsHex: '0503d2ad84' });
    };
    await sendOne(bench);
    await sendOne(bench);
    const place = { ...RXC, modulation: lora(9) };
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }), place);
    await bench.clock.advance(10_000);
    expect(bench.downlinks).toMatchObject([{ window: 'RXC' }]);
    await sendOne(bench);
    expect(bench.network.uplinks.slice(1).map(({ fOptsHex }) => fOptsHex)).toEqual([
      '0507',
      '0507',
    ]);
  });

  it('hears RX1 and RX2 of its uplinks as before, and what falls between them', async () => {
    const bench = await classC();
    const { clock, downlinks, network, simulator } = bench;
    network.onUplink = ({ reception }) =>
      network.send(reception, euRx1(reception), { fPort: 1, payloadHex: '01' });
    await sendOne(bench);
    network.onUplink = ({ reception }) =>
      network.send(reception, { delayUs: 2e6, ...RXC }, { fPort: 1, payloadHex: '02' });
    await sendOne(bench);
    network.onUplink = undefined;
    // More than a second of SF12 that begins 50 ms after the end of the uplink covers RX1.
    const uplinkMs = timeOnAirUs(lora(7), 14) / 1000;
    simulator.sendUplink('probe', { fPort: 2, payload: Uint8Array.of(1) });
    await clock.advance(1);
    await sendNow(bench, network.seal({ fPort: 1, payloadHex: '03' }), RXC, uplinkMs + 50);
    await clock.advance(20_000);
    expect(downlinks.map(({ payload, window }) => [payload[0], window])).toEqual([
      [1, 'RX1'],
      [2, 'RX2'],
      [3, 'RXC'],
    ]);
  });

  it('misses what comes while it transmits', async () => {
    const bench = await classC({ dataRateIndex: 0 });
    bench.simulator.sendUplink('probe', { fPort: 2, payload: new Uint8Array(40) });
    await bench.clock.advance(10);
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }));
    await bench.clock.advance(20_000);
    expect(bench.downlinks).toEqual([]);
    expect(bench.simulator.device('probe').fCntUp).toBe(0);
  });

  it('does not take a downlink outside its windows for an answer in 1.0.4', async () => {
    const bench = await classC();
    for (let count = 0; count < 63; count += 1) await sendOne(bench);
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }));
    await bench.clock.advance(10_000);
    await sendOne(bench);
    await sendOne(bench);
    expect(bench.downlinks).toHaveLength(1);
    expect(bench.network.uplinks.at(-1)?.adrAckReq).toBe(true);
  });

  it('stops listening when it is removed', async () => {
    const bench = await classC();
    await bench.clock.advance(60_000);
    bench.simulator.removeDevice('probe');
    await sendNow(bench, bench.network.seal({ fPort: 7, payloadHex: 'aa' }));
    await bench.clock.advance(10_000);
    expect(bench.downlinks).toEqual([]);
    expect(bench.clock.pending).toBe(0);
  });

  it('says DeviceModeInd in LoRaWAN 1.1 until it is confirmed', async () => {
    const bench = await joinedBench11({ deviceClass: 'C' });
    const answers = ['0b01', '2002'];
    bench.network.onUplink = ({ reception }) => {
      const fOptsHex = answers.shift();
      if (fOptsHex) bench.network.send(reception, euRx1(reception), { fOptsHex });
    };
    for (let count = 0; count < 3; count += 1) await sendOne11(bench);
    expect(bench.network.uplinks.map(({ fOptsHex }) => fOptsHex)).toEqual(['0b012002', '2002', '']);
  });
});
