import { describe, expect, it } from 'vitest';
import { type Bench, euRx1, euRx2, joinedBench, sendOne } from './testing/bench.ts';
import type { NetworkDownlink } from './testing/lora-packet-network.ts';

/** Answers every uplink in RX1 with the next of the given downlinks. */
function answerWith(bench: Bench, ...downlinks: readonly NetworkDownlink[]): void {
  const waiting = [...downlinks];
  bench.network.onUplink = ({ reception }) => {
    const next = waiting.shift();
    if (next) bench.network.send(reception, euRx1(reception), next);
  };
}

describe('downlinks', () => {
  it('decrypts application downlinks and reports them', async () => {
    const bench = await joinedBench();
    answerWith(bench, { fPort: 7, payloadHex: 'deadbeef' });
    await sendOne(bench);
    expect(bench.downlinks).toMatchObject([{ fPort: 7, fCnt: 0, window: 'RX1' }]);
    expect(bench.simulator.device('probe').lastDownlink).toMatchObject({
      fPort: 7,
      payloadHex: 'DEADBEEF',
    });
    expect(bench.simulator.device('probe').fCntDown).toBe(0);
  });

  it('hears a downlink in RX2 when RX1 stays empty', async () => {
    const bench = await joinedBench();
    bench.network.onUplink = ({ reception }) =>
      bench.network.send(reception, euRx2(2), { fPort: 7, payloadHex: '01' });
    await sendOne(bench);
    expect(bench.downlinks).toMatchObject([{ window: 'RX2' }]);
  });

  it('refuses wrong MICs and repeated counters, and takes the next good one', async () => {
    const bench = await joinedBench();
    answerWith(
      bench,
      { fPort: 1, payloadHex: '01', fCnt: 4 },
      { fPort: 1, payloadHex: '02', fCnt: 4 },
      { fPort: 1, payloadHex: '03', fCnt: 5, badMic: true },
      { fPort: 1, payloadHex: '04', fCnt: 5 },
    );
    for (let count = 0; count < 4; count += 1) await sendOne(bench);
    expect(bench.downlinks.map((downlink) => downlink.fCnt)).toEqual([4, 5]);
    const texts = bench.simulator.device('probe').problems.map((problem) => problem.text);
    expect(texts).toEqual([
      expect.stringContaining('FCnt 4 does not follow 4'),
      expect.stringContaining('wrong MIC'),
    ]);
  });

  it('extends the downlink counter beyond 16 bits', async () => {
    const bench = await joinedBench();
    const counters = [16_000, 32_000, 48_000, 64_000, 70_000];
    answerWith(bench, ...counters.map((fCnt) => ({ fPort: 1, payloadHex: '01', fCnt })));
    for (const _ of counters) await sendOne(bench);
    expect(bench.downlinks.map((downlink) => downlink.fCnt)).toEqual(counters);
    expect(bench.downlinks.map(({ payload }) => [...payload])).toEqual(counters.map(() => [1]));
  });

  it('acknowledges a confirmed downlink with an empty uplink soon after', async () => {
    const bench = await joinedBench();
    answerWith(bench, { fPort: 1, payloadHex: '01', confirmed: true });
    await sendOne(bench);
    expect(bench.network.uplinks.map(({ ack, fPort }) => [ack, fPort])).toEqual([
      [false, 2],
      [true, undefined],
    ]);
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.ack).toBe(false);
  });

  it('sends an empty uplink when more data waits', async () => {
    const bench = await joinedBench();
    answerWith(
      bench,
      { fPort: 1, payloadHex: '01', fPending: true },
      { fPort: 1, payloadHex: '02' },
    );
    await sendOne(bench);
    expect(bench.downlinks.map(({ payload }) => payload[0])).toEqual([1, 2]);
    expect(bench.network.uplinks).toHaveLength(2);
  });

  it('repeats a confirmed uplink until it is acknowledged', async () => {
    const bench = await joinedBench();
    bench.network.onUplink = ({ reception }) => {
      if (bench.network.uplinks.length === 3)
        bench.network.send(reception, euRx1(reception), { ack: true });
    };
    await sendOne(bench, '01', true);
    const { uplinks } = bench.network;
    expect(uplinks.map(({ fCnt, confirmed }) => [fCnt, confirmed])).toEqual([
      [0, true],
      [0, true],
      [0, true],
    ]);
    expect(uplinks[1]?.reception.phyPayload).toEqual(uplinks[0]?.reception.phyPayload);
    expect(bench.simulator.device('probe')).toMatchObject({ acknowledgedCount: 1, problems: [] });
  });

  it('gives a confirmed uplink up after four transmissions', async () => {
    const bench = await joinedBench();
    await sendOne(bench, '01', true);
    await bench.clock.advance(60_000);
    expect(bench.network.uplinks).toHaveLength(4);
    expect(bench.simulator.device('probe').problems.at(-1)?.text).toContain('did not acknowledge');
  });

  it('says ADRACKReq after 64 uplinks without a downlink and slows down after 96', async () => {
    const bench = await joinedBench();
    for (let count = 0; count < 98; count += 1) await sendOne(bench);
    const { uplinks } = bench.network;
    expect(uplinks[63]?.adrAckReq).toBe(false);
    expect(uplinks[64]?.adrAckReq).toBe(true);
    expect(bench.simulator.device('probe').dataRateIndex).toBe(4);
  });

  it('drops MAC commands in FOpts and FPort 0 at once', async () => {
    const bench = await joinedBench();
    answerWith(bench, { fPort: 0, payloadHex: '06', fOptsHex: '06' });
    await sendOne(bench);
    await sendOne(bench);
    expect(bench.network.uplinks.at(-1)?.fOptsHex).toBe('');
    expect(bench.simulator.device('probe').problems.at(-1)?.text).toContain('at once');
  });
});
