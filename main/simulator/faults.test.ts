import { describe, expect, it } from 'vitest';
import type { UplinkFault } from './device-faults.ts';
import { type Bench, deviceConfig, euRx1, euRx2, joinedBench, sendOne } from './testing/bench.ts';
import { joinedBench11, sendOne11 } from './testing/bench-11.ts';
import { lora } from './testing/lora-packet-network.ts';

/** Sends one uplink with a mistake and lets its windows pass. */
async function sendWith(bench: Bench, fault: UplinkFault): Promise<void> {
  bench.simulator.sendUplink('probe', { payload: Uint8Array.of(1), fault });
  await bench.clock.advance(20_000);
}

/** Answers every uplink with an application downlink. */
function answerAll({ network }: Bench): void {
  network.onUplink = ({ reception }) =>
    network.send(reception, euRx1(reception), { fPort: 5, payloadHex: 'aa' });
}

const last = ({ network }: Bench) => network.uplinks.at(-1);

describe('faults', () => {
  it('reset both counters', async () => {
    const bench = await joinedBench();
    answerAll(bench);
    for (let count = 0; count < 3; count += 1) await sendOne(bench);
    bench.network.fCntDown = 0;
    await sendWith(bench, { kind: 'reset_counters' });
    await sendOne(bench);
    expect(bench.network.uplinks.map(({ fCnt, micValid }) => [fCnt, micValid])).toEqual([
      [0, true],
      [1, true],
      [2, true],
      [0, true],
      [1, true],
    ]);
    expect(bench.downlinks.map(({ fCnt }) => fCnt)).toEqual([0, 1, 2, 0, 1]);
  });

  it('leave out counters', async () => {
    const bench = await joinedBench();
    await sendWith(bench, { kind: 'skip_counters', count: 20_000 });
    expect(last(bench)).toMatchObject({ fCnt: 20_000, micValid: true });
  });

  it('stray into another region for one uplink', async () => {
    const bench = await joinedBench();
    await sendWith(bench, { kind: 'wrong_region', bandId: 'US_902_928' });
    const { frequencyHz = 0, modulation } = last(bench)?.reception ?? {};
    expect(frequencyHz).toBeGreaterThanOrEqual(902_300_000);
    expect(frequencyHz).toBeLessThanOrEqual(914_900_000);
    expect(modulation).toEqual(lora(7));
    await sendOne(bench);
    expect(last(bench)?.reception.frequencyHz).toBeLessThan(870_000_000);
  });

  it('put an unknown MAC command behind those that are known', async () => {
    const bench = await joinedBench();
    bench.network.onUplink = ({ reception }) => {
      bench.network.onUplink = undefined;
      bench.network.send(reception, euRx1(reception), { fOptsHex: '0400' });
    };
    await sendOne(bench);
    await sendWith(bench, { kind: 'unknown_mac_command', cid: 0x85 });
    expect(last(bench)).toMatchObject({ fOptsHex: '0485', micValid: true });
    await sendOne(bench);
    expect(last(bench)?.fOptsHex).toBe('');
  });

  it('put it into encrypted FOpts in LoRaWAN 1.1', async () => {
    const bench = await joinedBench11();
    bench.simulator.sendUplink('probe', { fault: { kind: 'unknown_mac_command', cid: 0x85 } });
    await bench.clock.advance(20_000);
    expect(bench.network.uplinks.at(-1)).toMatchObject({ fOptsHex: '0b0185', micValid: true });
    await sendOne11(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('0b01');
  });

  it('lose as many downlinks as they say, and no more', async () => {
    const bench = await joinedBench();
    answerAll(bench);
    await sendWith(bench, { kind: 'lose_downlinks', count: 3 });
    for (let count = 0; count < 4; count += 1) await sendOne(bench);
    expect(bench.downlinks.map(({ fCnt }) => fCnt)).toEqual([3, 4]);
  });

  it('lose downlinks by chance until that is over', async () => {
    const bench = await joinedBench();
    answerAll(bench);
    await sendWith(bench, { kind: 'lose_downlinks_by_chance', probability: 0.5 });
    for (let count = 0; count < 199; count += 1) await sendOne(bench);
    // Binomial with 200 trials: 70 is more than four standard deviations away.
    expect(bench.downlinks.length).toBeGreaterThan(70);
    expect(bench.downlinks.length).toBeLessThan(130);
    const before = bench.downlinks.length;
    await sendWith(bench, { kind: 'lose_downlinks_by_chance', probability: 0 });
    for (let count = 0; count < 19; count += 1) await sendOne(bench);
    expect(bench.downlinks.length - before).toBe(20);
  });

  it.each([
    ['40 ppm is within the margin of the windows', 40, 1, ['RX1']],
    ['-40 ppm is so too', -40, 1, ['RX1']],
    // 1 s and 3 % is 30 ms late: behind the preamble of SF7.
    ['30,000 ppm misses RX1', 30_000, 1, []],
    ['-30,000 ppm misses RX1', -30_000, 1, []],
    // The preamble of SF12 lasts eight times 33 ms.
    ['30,000 ppm still meets the long preamble of RX2', 30_000, 2, ['RX2']],
  ] as const)('let the clock drift: %s', async (_, ppm, window, expected) => {
    const bench = await joinedBench();
    bench.network.onUplink = ({ reception }) => {
      const placement = window === 1 ? euRx1(reception) : euRx2(2);
      bench.network.send(reception, placement, { fPort: 5, payloadHex: 'aa' });
    };
    await sendWith(bench, { kind: 'clock_drift', ppm });
    expect(bench.downlinks.map((downlink) => downlink.window)).toEqual(expected);
    await sendWith(bench, { kind: 'clock_drift', ppm: 0 });
    expect(bench.downlinks).toHaveLength(expected.length + 1);
  });

  it.each<[UplinkFault, string]>([
    [{ kind: 'skip_counters', count: -1 }, 'whole number'],
    [{ kind: 'lose_downlinks', count: 0.5 }, 'whole number'],
    [{ kind: 'lose_downlinks_by_chance', probability: 1.1 }, 'between 0 and 1'],
    [{ kind: 'clock_drift', ppm: Number.NaN }, 'millionths'],
    [{ kind: 'wrong_region', bandId: 'MOON_1' }, 'not into MOON_1'],
    [{ kind: 'unknown_mac_command', cid: 256 }, '0 to 255'],
  ])('are refused where they make no sense: %j', async (fault, text) => {
    const bench = await joinedBench();
    expect(() => bench.simulator.sendUplink('probe', { fault })).toThrow(text);
    const script = { steps: [{ fault }] };
    expect(() => bench.simulator.addDevice(deviceConfig({ id: 'second', script }))).toThrow(text);
  });
});

describe('a script', () => {
  const bytes = (value: number): Uint8Array => Uint8Array.of(value);

  it('says what is sent, and then ends', async () => {
    const bench = await joinedBench({
      intervalS: 60,
      payload: () => bytes(0xee),
      script: {
        steps: [
          { payload: bytes(0xa1), fPort: 9 },
          { payload: bytes(0xa2), uplinks: 2 },
          { payload: bytes(0xa3), fault: { kind: 'bad_mic' } },
        ],
      },
    });
    bench.simulator.start('probe');
    await bench.clock.advance(6 * 60_000);
    expect(
      bench.network.uplinks
        .slice(0, 5)
        .map(({ fPort, micValid, payloadHex }) => [payloadHex, fPort, micValid]),
    ).toEqual([
      ['a1', 9, true],
      ['a2', 2, true],
      ['a2', 2, true],
      ['a3', 2, false],
      ['ee', 2, true],
    ]);
  });

  it('begins again if it is to be repeated', async () => {
    const script = {
      steps: [{ payload: bytes(1) }, { payload: bytes(2), confirmed: true }],
      repeat: true,
    };
    const bench = await joinedBench({ intervalS: 60, script });
    bench.network.onUplink = ({ confirmed, reception }) => {
      if (confirmed) bench.network.send(reception, euRx1(reception), { ack: true });
    };
    bench.simulator.start('probe');
    await bench.clock.advance(5 * 60_000);
    expect(
      bench.network.uplinks.slice(0, 4).map(({ confirmed, payloadHex }) => [payloadHex, confirmed]),
    ).toEqual([
      ['01', false],
      ['02', true],
      ['01', false],
      ['02', true],
    ]);
  });
});
