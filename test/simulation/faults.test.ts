/** Mistakes of simulated devices, and what the network makes of them, in virtual time. */
import { afterEach, expect, test } from 'vitest';
import { Outcome } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import {
  DEVICE_MAC_VERSIONS,
  type DeviceMacVersion,
  type UplinkFault,
} from '../../main/simulator/index.ts';
import { temporaryDirectory } from '../../main/store/testing/temporary-directory.ts';
import { createWorld, DEVICE, type SimulatedWorld, type WorldOptions } from './simulated-world.ts';

let world: SimulatedWorld;
afterEach(() => world.close());

/** A device in EU863-870 that has joined and was heard once. */
async function joined(
  macVersion: DeviceMacVersion,
  rest: Pick<WorldOptions, 'registration' | 'device'> = {},
): Promise<void> {
  const place = { bandId: 'EU_863_870', planId: 'EU_863_870' };
  world = await createWorld({ directory: temporaryDirectory(), macVersion, ...place, ...rest });
  world.simulator.join(DEVICE);
  await world.advance(10_000);
  await send();
  expect(world.heard.splice(0)).toEqual([0]);
}

async function send(fault?: UplinkFault, confirmed = false): Promise<void> {
  world.simulator.sendUplink(DEVICE, { confirmed, ...(fault && { fault }) });
  await world.advance(10_000);
}

const lastVerdict = () => {
  const { cause, outcome } = world.lab.uplinkFrames().at(-1)?.verdict ?? {};
  return { cause, outcome };
};
const DROPPED = Outcome.DROPPED;
const ACCEPTED = { cause: '', outcome: Outcome.ACCEPTED };

/** `taken` are the counters that the network takes of two uplinks: the one with the mistake, and the next. */
interface Judged {
  readonly fault: UplinkFault;
  readonly verdict: { readonly cause: string; readonly outcome: Outcome };
  readonly taken: readonly number[];
  readonly versions?: readonly DeviceMacVersion[];
}

const JUDGED: readonly Judged[] = [
  {
    fault: { kind: 'bad_mic' },
    verdict: { cause: 'mic_mismatch', outcome: DROPPED },
    taken: [2],
  },
  {
    fault: { kind: 'replay' },
    verdict: { cause: 'f_cnt_too_low', outcome: Outcome.DUPLICATE },
    taken: [1],
  },
  {
    fault: { kind: 'skip_counters', count: 20_000 },
    verdict: { cause: 'f_cnt_gap', outcome: DROPPED },
    taken: [],
    versions: ['1.0.2', '1.0.3'],
  },
  // MAX_FCNT_GAP is gone (TS001-1.0.4 §4.3.1.5).
  {
    fault: { kind: 'skip_counters', count: 20_000 },
    verdict: ACCEPTED,
    taken: [20_001, 20_002],
    versions: ['1.0.4', '1.1'],
  },
  {
    fault: { kind: 'reset_counters' },
    verdict: { cause: 'f_cnt_too_low', outcome: Outcome.DUPLICATE },
    taken: [1],
  },
  {
    fault: { kind: 'wrong_region', bandId: 'US_902_928' },
    verdict: { cause: 'uplink_channel_not_found', outcome: DROPPED },
    taken: [2],
  },
  {
    fault: { kind: 'wrong_region', bandId: 'CN_470_510' },
    verdict: { cause: 'uplink_channel_not_found', outcome: DROPPED },
    taken: [2],
  },
  { fault: { kind: 'unknown_mac_command', cid: 0x90 }, verdict: ACCEPTED, taken: [1, 2] },
];
const CASES = JUDGED.flatMap(({ versions = DEVICE_MAC_VERSIONS, ...judged }) =>
  versions.map((macVersion) => ({ macVersion, ...judged })),
);

test.each(CASES)('$fault.kind of a $macVersion device is $verdict.cause', async (judged) => {
  await joined(judged.macVersion);
  await send(judged.fault);
  expect(lastVerdict()).toEqual(judged.verdict);
  await send();
  expect(world.heard).toEqual(judged.taken);
});

test('counters that begin anew are taken where the network was told so, and a downlink comes through', async () => {
  const resets = { resetsFCnt: { value: true }, desiredRx1Delay: { value: 1 } };
  await joined('1.0.3', { registration: { macSettings: resets } });
  await send();
  await send({ kind: 'reset_counters' }, true);
  expect(world.device()).toMatchObject({ acknowledgedCount: 1, problems: [] });
  await send();
  expect(world.heard).toEqual([1, 0, 1]);
});

test('an unknown MAC command is told, and those before it are heeded', async () => {
  await joined('1.0.4');
  expect(world.device().dataRateIndex).toBe(5);
  await send({ kind: 'unknown_mac_command', cid: 0x90 });
  expect(world.lab.published).toContain('ns.mac.link_adr.answer.accept');
  expect(world.lab.published).toContain('ns.mac.command.unknown');
});

/** The network has each uplink sent three times. */
const THRICE = {
  macSettings: {
    desiredRx1Delay: { value: 1 },
    adr: {
      mode: {
        case: 'static',
        value: { dataRateIndex: 5, txPowerIndex: 0, nbTrans: 3 },
      },
    },
  },
} as const;

test.each(DEVICE_MAC_VERSIONS)(
  'uplinks of a %s device whose answers are lost are repeated, and taken once',
  async (macVersion) => {
    await joined(macVersion, { registration: THRICE });
    await send();
    expect(world.device().nbTrans).toBe(3);
    world.heard.length = 0;
    await send({ kind: 'lose_downlinks', count: 2 }, true);
    await world.advance(60_000);
    await send({ kind: 'lose_downlinks', count: 9 });
    await world.advance(60_000);
    expect(world.heard).toEqual([2, 3]);
    expect(world.device()).toMatchObject({ acknowledgedCount: 1, problems: [] });
    const causes = world.lab.uplinkFrames().map(({ verdict }) => verdict?.cause);
    expect(causes.slice(-6)).toEqual([
      '',
      'duplicate_uplink',
      'duplicate_uplink',
      '',
      'duplicate_uplink',
      'duplicate_uplink',
    ]);
  },
);

test('a device that hears one downlink in three gets where it should all the same', async () => {
  const script = {
    steps: [{ fault: { kind: 'lose_downlinks_by_chance', probability: 2 / 3 } as const }],
  };
  await joined('1.0.3', { device: { script } });
  world.simulator.start(DEVICE);
  await world.advance(200 * 60_000);
  expect(world.device().dataRateIndex).toBe(5);
  const last = world.device().fCntUp ?? 0;
  expect(world.heard).toEqual(Array.from({ length: last }, (_, index) => index + 1));
});

test('a device whose clock is 4 % late misses its windows until a long preamble makes up for it', async () => {
  const script = { steps: [{ fault: { kind: 'clock_drift', ppm: 40_000 } as const }] };
  await joined('1.0.4', { device: { script, dataRateIndex: 5 } });
  const before = world.device().receivedCount;
  world.simulator.start(DEVICE);
  await world.advance(200 * 60_000);
  // Full power after 96 uplinks, then DR4, DR3 and DR2 after 32 each.
  expect(world.device()).toMatchObject({ dataRateIndex: 2, receivedCount: before });
  await world.advance(50 * 60_000);
  // SF11 is the first whose preamble still has five symbols 30 ms after its begin.
  expect(world.device().receivedCount).toBeGreaterThan(before);
  const last = world.device().fCntUp ?? 0;
  expect(world.heard).toEqual(Array.from({ length: last }, (_, index) => index + 1));
});
