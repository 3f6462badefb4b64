import { describe, expect, it } from 'vitest';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { type Bench, euRx1, joinedBench, sendOne } from './testing/bench.ts';
import { type Bench11, joinedBench11, sendOne11 } from './testing/bench-11.ts';
import { lora, type NetworkDownlink, type Placement } from './testing/lora-packet-network.ts';

/** Answers the next uplink, and returns FOpts of the uplink after it. */
async function exchange(
  bench: Bench,
  downlink: NetworkDownlink,
  placement: (uplink: Parameters<typeof euRx1>[0]) => Placement = euRx1,
): Promise<string> {
  bench.network.onUplink = ({ reception }) => {
    bench.network.onUplink = undefined;
    bench.network.send(reception, placement(reception), downlink);
  };
  await sendOne(bench);
  await sendOne(bench);
  return bench.network.uplinks.at(-1)?.fOptsHex ?? '';
}

/** The same with a session of LoRaWAN 1.1 that the network has confirmed. */
async function exchange11(fOptsHex: string): Promise<{ bench: Bench11; answer: string }> {
  const bench = await joinedBench11();
  const waiting = ['0b01', fOptsHex];
  bench.network.onUplink = ({ reception }) => {
    const next = waiting.shift();
    if (next) bench.network.send(reception, euRx1(reception), { fOptsHex: next });
  };
  for (let count = 0; count < 3; count += 1) await sendOne11(bench);
  return { bench, answer: bench.network.uplinks.at(-1)?.fOptsHex ?? '' };
}

const inAsia = (changes: Partial<SimulatedDeviceConfig> = {}): Promise<Bench> =>
  joinedBench({ bandId: 'AS_923', dataRateIndex: 0, ...changes });

const lastReception = ({ network }: Bench) => network.uplinks.at(-1)?.reception;

describe('TXParamSetupReq in AS923', () => {
  it('ends the dwell time, so that slower data rates may be used', async () => {
    const bench = await inAsia();
    await sendOne(bench);
    expect(lastReception(bench)?.modulation).toEqual(lora(10));
    expect(await exchange(bench, { fOptsHex: '0905' })).toBe('09');
    expect(lastReception(bench)?.modulation).toEqual(lora(12));
  });

  it('limits the power', async () => {
    const bench = await inAsia();
    await sendOne(bench);
    const before = lastReception(bench)?.antennas[0]?.channelRssiDbm ?? 0;
    // MaxEIRP 8 dBm instead of 16 dBm; fading has a standard deviation of 3 dB.
    await exchange(bench, { fOptsHex: '0910' });
    const levels: number[] = [];
    for (let count = 0; count < 40; count += 1) {
      await sendOne(bench);
      levels.push(lastReception(bench)?.antennas[0]?.channelRssiDbm ?? 0);
    }
    const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
    expect(before - mean).toBeGreaterThan(2);
    expect(bench.simulator.device('probe').problems).toEqual([]);
  });

  it('moves RX1 to SF10 while the downlink dwell time is limited', async () => {
    const bench = await inAsia();
    await exchange(bench, { fOptsHex: '0925' });
    await exchange(bench, { fPort: 1, payloadHex: 'aa' }, (uplink) => ({
      ...euRx1(uplink),
      modulation: lora(10),
    }));
    expect(bench.downlinks).toMatchObject([{ window: 'RX1' }]);
  });

  it.each([
    ['1.0.3', ['09', '']],
    ['1.0.4', ['09', '09']],
  ] as const)('is answered by a %s device in %j', async (macVersion, expected) => {
    const bench = await inAsia({ macVersion });
    const first = await exchange(bench, { fOptsHex: '0905' });
    await sendOne(bench);
    expect([first, bench.network.uplinks.at(-1)?.fOptsHex]).toEqual(expected);
  });

  it('keeps LinkADRReq from rates that take too long', async () => {
    const bench = await inAsia();
    expect(await exchange(bench, { fOptsHex: '0310030001' })).toBe('0305');
    await exchange(bench, { fOptsHex: '0905' });
    expect(await exchange(bench, { fOptsHex: '0310030001' })).toMatch(/0307$/);
  });
});

describe('MAC commands by version', () => {
  it('answer a block of LinkADRReq once in LoRaWAN 1.1', async () => {
    const { bench, answer } = await exchange11('03310700010332060001');
    expect(answer).toBe('0307');
    expect(bench.simulator.device('probe')).toMatchObject({
      dataRateIndex: 3,
      txPowerIndex: 2,
      enabledChannelCount: 2,
    });
  });

  it('keep rate and power on 15 in LoRaWAN 1.1', async () => {
    const { bench, answer } = await exchange11('03ff030001');
    expect(answer).toBe('0307');
    expect(bench.simulator.device('probe')).toMatchObject({ dataRateIndex: 5, txPowerIndex: 0 });
  });

  it.each([
    ['1.0.2', 1],
    ['1.0.3', 1],
    ['1.0.4', 3],
  ] as const)('take NbTrans 0 in %s for %i', async (macVersion, nbTrans) => {
    const bench = await joinedBench({ macVersion });
    await exchange(bench, { fOptsHex: '0350070003' });
    await bench.clock.advance(20_000);
    await exchange(bench, { fOptsHex: '0350070000' });
    expect(bench.simulator.device('probe').nbTrans).toBe(nbTrans);
  });

  it('give the time of the network since 1.0.3', async () => {
    const asked = async (macVersion: '1.0.2' | '1.0.3'): Promise<Bench> => {
      const bench = await joinedBench({ macVersion });
      bench.simulator.requestDeviceTime('probe');
      await exchange(bench, { fOptsHex: '0de147334c91' });
      expect(bench.network.uplinks[0]?.fOptsHex).toBe('0d');
      return bench;
    };
    const known = (await asked('1.0.3')).simulator.device('probe');
    expect(known.deviceTime?.gpsSeconds).toBeCloseTo(1_278_429_153 + 145 / 256, 6);
    const unknown = (await asked('1.0.2')).simulator.device('probe');
    expect(unknown.deviceTime).toBeUndefined();
    expect(unknown.problems.at(-1)?.text).toContain('0x0D');
  });

  it('of class B and of LoRaWAN 1.1 are unknown to a class A device of 1.0.x', async () => {
    for (const command of ['112c03840e', '1368c483', '10', '0c4e', '0e2119', '0f66']) {
      const bench = await joinedBench({ macVersion: '1.0.4' });
      expect(await exchange(bench, { fOptsHex: `0400${command}06` })).toBe('04');
      expect(bench.simulator.device('probe').problems.at(-1)?.text).toContain(
        `0x${command.slice(0, 2).toUpperCase()}`,
      );
    }
  });

  it('change when the device asks for downlinks (ADRParamSetupReq)', async () => {
    // ADR_ACK_LIMIT 2^3, ADR_ACK_DELAY 2^2.
    const { bench, answer } = await exchange11('0c32');
    expect(answer).toBe('0c');
    const from = bench.network.uplinks.length - 1;
    for (let count = 0; count < 13; count += 1) await sendOne11(bench);
    const asks = bench.network.uplinks.slice(from).map(({ adrAckReq }) => adrAckReq);
    expect(asks.indexOf(true)).toBe(8);
    expect(bench.simulator.device('probe').dataRateIndex).toBe(4);
  });
});
