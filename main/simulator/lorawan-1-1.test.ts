import { describe, expect, it } from 'vitest';
import { type DevAddr, parseDevAddr } from '../lorawan/index.ts';
import { euRx1 } from './testing/bench.ts';
import { type Bench11, createBench11, joinedBench11, sendOne11 } from './testing/bench-11.ts';
import { hexBytes, lora, type NetworkDownlink } from './testing/lora-packet-network.ts';

const REKEY = '0b01';

/** Answers the next uplink in RX1. */
function answerNext(bench: Bench11, downlink: NetworkDownlink): void {
  bench.network.onUplink = ({ reception }) => {
    bench.network.onUplink = undefined;
    bench.network.send(reception, euRx1(reception), downlink);
  };
}

/** A bench whose session the network has confirmed. */
async function readyBench(...options: Parameters<typeof joinedBench11>): Promise<Bench11> {
  const bench = await joinedBench11(...options);
  answerNext(bench, { fOptsHex: REKEY });
  await sendOne11(bench);
  return bench;
}

const last = (bench: Bench11) => bench.network.uplinks.at(-1);
const device = (bench: Bench11) => bench.simulator.device('probe');

describe('a device of LoRaWAN 1.1', () => {
  it('joins with the NwkKey and counts its DevNonces from 0', async () => {
    const bench = await joinedBench11();
    expect(device(bench)).toMatchObject({ state: 'joined', devAddr: '0212F001' });
    bench.simulator.join('probe');
    await bench.clock.advance(8000);
    expect(bench.network.joins.map(({ type, nonce }) => [type, nonce])).toEqual([
      ['join', 0],
      ['join', 1],
    ]);
  });

  it('refuses a JoinNonce that does not grow', async () => {
    const bench = await joinedBench11();
    bench.network.nextJoinNonce = 1;
    bench.simulator.join('probe');
    await bench.clock.advance(8000);
    expect(device(bench).problems.map(({ text }) => text)).toContain(
      'JoinNonce 1 is not above the last one, 1.',
    );
  });

  it('says RekeyInd in encrypted FOpts until RekeyConf comes', async () => {
    const bench = await joinedBench11();
    await sendOne11(bench, 'cafe');
    await sendOne11(bench, 'cafe');
    expect(bench.network.uplinks).toMatchObject([
      { micValid: true, fCnt: 0, fOptsHex: REKEY, payloadHex: 'cafe' },
      { micValid: true, fCnt: 1, fOptsHex: REKEY, payloadHex: 'cafe' },
    ]);
    expect(last(bench)?.fOptsOnAirHex).not.toBe(REKEY);
    expect(device(bench).isConfirmed).toBe(false);
    answerNext(bench, { fOptsHex: REKEY });
    await sendOne11(bench);
    await sendOne11(bench);
    expect(last(bench)).toMatchObject({ micValid: true, fOptsHex: '' });
    expect(device(bench).isConfirmed).toBe(true);
  });

  it('is not satisfied by a RekeyConf of another minor version', async () => {
    const bench = await joinedBench11();
    answerNext(bench, { fOptsHex: '0b02' });
    await sendOne11(bench);
    await sendOne11(bench);
    expect(last(bench)?.fOptsHex).toBe(REKEY);
  });

  it('joins anew when no RekeyConf comes within ADR_ACK_LIMIT uplinks', async () => {
    const bench = await joinedBench11();
    for (let count = 0; count < 64; count += 1) await sendOne11(bench);
    expect(bench.network.joins).toHaveLength(1);
    await sendOne11(bench);
    expect(bench.network.joins).toHaveLength(2);
    expect(bench.network.uplinks).toHaveLength(64);
  });

  it('counts downlinks of the network and of the application apart', async () => {
    const bench = await readyBench();
    for (const payloadHex of ['aa', 'bb']) {
      answerNext(bench, { fPort: 5, payloadHex });
      await sendOne11(bench);
    }
    answerNext(bench, { fPort: 0, payloadHex: '06' });
    await sendOne11(bench);
    expect(bench.downlinks.map(({ fCnt, payload }) => [fCnt, payload[0]])).toEqual([
      [0, 0xaa],
      [1, 0xbb],
    ]);
    expect(device(bench)).toMatchObject({ fCntDown: 1, aFCntDown: 1, problems: [] });
    await sendOne11(bench);
    expect(last(bench)?.fOptsHex).toMatch(/^06fe/);
  });

  it('reads FOpts of both kinds of downlinks', async () => {
    const bench = await readyBench();
    answerNext(bench, { fPort: 5, payloadHex: 'aa', fOptsHex: '0400' });
    await sendOne11(bench);
    await sendOne11(bench);
    expect(last(bench)?.fOptsHex).toBe('04');
  });

  it('has the counter of what it acknowledges, the data rate and the channel in its MIC', async () => {
    const bench = await readyBench();
    answerNext(bench, { fPort: 5, payloadHex: 'aa', confirmed: true, fCnt: 7 });
    await sendOne11(bench);
    expect(last(bench)).toMatchObject({ ack: true, micValid: true, fPort: undefined });
    bench.network.confFCnt = 8;
    answerNext(bench, { fPort: 5, payloadHex: 'aa', confirmed: true, fCnt: 9 });
    const before = bench.network.uplinks.length;
    await sendOne11(bench);
    bench.network.confFCnt = 0;
    expect(bench.network.uplinks.slice(before).map(({ ack, micValid }) => [ack, micValid])).toEqual(
      [
        [false, true],
        [true, true],
      ],
    );
    const seen = new Set(bench.network.uplinks.map(({ reception }) => reception.frequencyHz));
    expect(seen.size).toBeGreaterThan(1);
  });

  it('signs a repetition for the channel it is sent on', async () => {
    const bench = await readyBench();
    answerNext(bench, { fOptsHex: '0350070005' });
    await sendOne11(bench);
    await bench.clock.advance(30_000);
    const before = bench.network.uplinks.length;
    await sendOne11(bench, '77', true);
    await bench.clock.advance(30_000);
    const repeated = bench.network.uplinks.slice(before);
    expect(repeated).toHaveLength(5);
    expect(new Set(repeated.map(({ fCnt }) => fCnt)).size).toBe(1);
    expect(new Set(repeated.map(({ reception }) => reception.frequencyHz)).size).toBeGreaterThan(1);
    expect(repeated.every(({ micValid }) => micValid)).toBe(true);
  });

  it('takes an acknowledgment only for the uplink it sent', async () => {
    const bench = await readyBench();
    answerNext(bench, { ack: true });
    await sendOne11(bench, '01', true);
    expect(device(bench)).toMatchObject({ acknowledgedCount: 1, problems: [] });
  });

  it('speaks LoRaWAN 1.0.x with a network that does not say OptNeg', async () => {
    const bench = await joinedBench11({}, {}, false);
    await sendOne11(bench, 'cafe');
    expect(last(bench)).toMatchObject({ micValid: true, fOptsHex: '', payloadHex: 'cafe' });
    expect(() => bench.simulator.rejoin('probe', 0)).toThrow('no LoRaWAN 1.1 session');
  });

  it('says ResetInd when personalized, until ResetConf comes', async () => {
    const bench = await createBench11({
      activation: {
        kind: 'abp',
        devAddr: parseDevAddr('26011BDA') as DevAddr,
        nwkSKey: hexBytes('11'.repeat(16)),
        sNwkSIntKey: hexBytes('22'.repeat(16)),
        nwkSEncKey: hexBytes('33'.repeat(16)),
        appSKey: hexBytes('44'.repeat(16)),
      },
    });
    bench.network.session = {
      devAddr: hexBytes('26011BDA'),
      fNwkSIntKey: hexBytes('11'.repeat(16)),
      sNwkSIntKey: hexBytes('22'.repeat(16)),
      nwkSEncKey: hexBytes('33'.repeat(16)),
      appSKey: hexBytes('44'.repeat(16)),
    };
    answerNext(bench, { fOptsHex: '0101' });
    await sendOne11(bench, 'cafe');
    expect(last(bench)).toMatchObject({ micValid: true, fOptsHex: '0101', payloadHex: 'cafe' });
    await sendOne11(bench);
    expect(last(bench)).toMatchObject({ micValid: true, fOptsHex: '' });
  });

  it('is refused without the keys of 1.1', async () => {
    const bench = await createBench11();
    const { config } = device(bench);
    const activation = { kind: 'otaa', appKey: hexBytes('11'.repeat(16)) } as const;
    expect(() => bench.simulator.addDevice({ ...config, id: 'second', activation })).toThrow(
      'needs a NwkKey',
    );
  });

  it('goes on with its session after a loss of power', async () => {
    const bench = await readyBench();
    answerNext(bench, { fPort: 5, payloadHex: 'aa' });
    await sendOne11(bench);
    const { config } = device(bench);
    const memory = JSON.parse(JSON.stringify(bench.simulator.memoryOf('probe')));
    bench.simulator.removeDevice('probe');
    bench.simulator.addDevice(config, memory);
    answerNext(bench, { fPort: 5, payloadHex: 'bb' });
    await sendOne11(bench);
    expect(last(bench)).toMatchObject({ micValid: true, fCnt: 2, fOptsHex: '' });
    expect(bench.downlinks.map(({ payload }) => payload[0])).toEqual([0xaa, 0xbb]);
  });
});

describe('rejoin-requests', () => {
  it.each([0, 1, 2] as const)('of type %i give new keys and a new address', async (type) => {
    const bench = await readyBench();
    bench.simulator.rejoin('probe', type);
    await bench.clock.advance(10_000);
    expect(bench.network.joins.map((join) => [join.type, join.nonce])).toEqual([
      ['join', 0],
      [type, 0],
    ]);
    expect(device(bench)).toMatchObject({ devAddr: '0212F002', fCntUp: undefined });
    await sendOne11(bench, 'cafe');
    expect(last(bench)).toMatchObject({ micValid: true, fCnt: 0, fOptsHex: REKEY });
    expect(last(bench)?.devAddrHex).toBe('0212f002');
  });

  it('of types 0 and 2 count in the session, of type 1 over the life', async () => {
    const bench = await readyBench();
    bench.network.joinAnswer = undefined;
    for (const type of [0, 2, 1, 1, 0] as const) {
      bench.simulator.rejoin('probe', type);
      await bench.clock.advance(10_000);
    }
    expect(bench.network.joins.slice(1).map(({ type, nonce }) => [type, nonce])).toEqual([
      [0, 0],
      [2, 1],
      [1, 0],
      [1, 1],
      [0, 2],
    ]);
  });

  it.each([
    [0, 5],
    [2, 3],
  ] as const)('of type %i leave data rate %i behind', async (type, dataRateIndex) => {
    const bench = await readyBench();
    answerNext(bench, { fOptsHex: '0332070001' });
    await sendOne11(bench);
    expect(device(bench)).toMatchObject({ dataRateIndex: 3, txPowerIndex: 2 });
    bench.simulator.rejoin('probe', type);
    await bench.clock.advance(10_000);
    expect(device(bench).dataRateIndex).toBe(dataRateIndex);
  });

  it('come on demand of the network, again until they are answered', async () => {
    const bench = await readyBench();
    bench.network.joinAnswer = undefined;
    // Type 2 at DR3, three transmissions, 64 s to 96 s apart.
    answerNext(bench, { fOptsHex: '0e230a' });
    await sendOne11(bench);
    await bench.clock.advance(600_000);
    const forced = bench.network.joins.slice(1);
    expect(forced.map(({ type, nonce }) => [type, nonce])).toEqual([
      [2, 0],
      [2, 1],
      [2, 2],
    ]);
    expect(forced[0]?.reception.modulation).toEqual(lora(9));
    const times = forced.map(({ reception }) => reception.concentratorTimestampUs / 1e6);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(64);
      expect(time - (times[index] ?? 0)).toBeLessThanOrEqual(97);
    }
  });

  it('come after so many uplinks once the network asked for it', async () => {
    const bench = await readyBench();
    bench.network.joinAnswer = undefined;
    // 2^4 uplinks or 2^25 s.
    answerNext(bench, { fOptsHex: '0ff0' });
    await sendOne11(bench);
    await sendOne11(bench);
    expect(last(bench)?.fOptsHex).toBe('0f01');
    for (let count = 0; count < 32; count += 1) await sendOne11(bench);
    expect(bench.network.joins.slice(1).map(({ type }) => type)).toEqual([0, 0]);
  });

  it('come after a time once the network asked for it', async () => {
    const bench = await readyBench();
    bench.network.joinAnswer = undefined;
    // 2^19 uplinks or 2^10 s.
    answerNext(bench, { fOptsHex: '0f0f' });
    await sendOne11(bench);
    await bench.clock.advance(980_000);
    expect(bench.network.joins).toHaveLength(1);
    await bench.clock.advance(40_000);
    expect(bench.network.joins.slice(1).map(({ type }) => type)).toEqual([0]);
    await bench.clock.advance(1_024_000);
    expect(bench.network.joins).toHaveLength(3);
  });
});
