import { expect, test } from 'vitest';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { TxAcknowledgment_Result } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { CAUSES } from '../base/causes.ts';
import type { TxResult } from '../base/gateway-link.ts';
import { causes, createRig, EU_RX1, EUI, idOf, OTHER_EUI } from './testing/rig.ts';

const IDS = { correlationIds: ['gs:uplink:7'] };
const BOTH = { euis: [EUI, OTHER_EUI] };

test('a downlink is told from the first attempt to the acknowledgement, under the ids it belongs to', async () => {
  const { clock, hear, schedule, log, events, dataOf } = await createRig();
  schedule([hear()], IDS);
  await clock.advance(0);
  const names = events().filter((name) => /^gs\.(down|txack)/.test(name));
  expect(names).toEqual([
    'gs.down.schedule.attempt',
    'gs.down.send',
    'gs.txack.receive',
    'gs.down.tx.success',
    'gs.txack.forward',
  ]);
  for (const { name, correlationIds } of log.filter(({ name }) => names.includes(name)))
    expect([name, correlationIds]).toEqual([name, ['gs:uplink:7']]);
  expect(dataOf('gs.down.schedule.attempt')).toMatchObject([
    {
      settings: {
        case: 'request',
        value: {
          rx1Delay: 1,
          rx1Frequency: 868_100_000n,
          rx2Frequency: 869_525_000n,
          frequencyPlanId: 'EU_863_870',
          downlinkPaths: [{ path: { value: { gatewayIds: { gatewayId: idOf(EUI) } } } }],
        },
      },
    },
  ]);
  for (const name of ['gs.up.forward', 'gs.txack.forward'])
    expect(dataOf(name)).toMatchObject([{ kind: { value: 'cluster' } }]);
});

test.each([
  ['unknown', 'UNKNOWN_ERROR', 1],
  ['too_late', 'TOO_LATE', 2],
  ['too_early', 'TOO_EARLY', 3],
  ['collision_packet', 'COLLISION_PACKET', 4],
  ['collision_beacon', 'COLLISION_BEACON', 5],
  ['tx_freq', 'TX_FREQ', 6],
  ['tx_power', 'TX_POWER', 7],
  ['gps_unlocked', 'GPS_UNLOCKED', 8],
] satisfies [TxResult, string, number][])(
  'a gateway that answers %s fails as %s (%i)',
  async (result, name, number) => {
    const { clock, hear, schedule, answerOnce, dataOf, log } = await createRig();
    answerOnce({ result });
    const scheduled = schedule([hear()]);
    await clock.advance(0);
    expect(dataOf('gs.txack.receive')).toMatchObject([{ result: number }]);
    expect(TxAcknowledgment_Result[number]).toBe(name);
    expect(dataOf('gs.down.tx.fail')).toMatchObject([{ kind: { value: name } }]);
    expect(log.find((event) => event.name === 'gs.down.tx.fail')?.causeCode).toBe(result);
    expect(CAUSES[result].text).toMatch(/^[A-Z].*\.$/);
    // What was not transmitted leaves its place to another frame.
    expect(scheduled.ok && schedule([hear()]).refusals).toEqual([]);
  },
);

test('a gateway that does not answer fails too, but acknowledges nothing', async () => {
  const { clock, hear, schedule, answerOnce, events, server } = await createRig();
  answerOnce({ result: 'no_acknowledgment' });
  schedule([hear()]);
  await clock.advance(0);
  expect(events('gs.txack')).toEqual([]);
  expect(events('gs.down.tx')).toEqual(['gs.down.tx.fail']);
  expect(server.connectionStats(idOf(EUI)).txAcknowledgmentCount).toBe(0n);
});

test('a gateway that takes the frame in no window is told, and the next one is asked', async () => {
  const { hear, schedule, events, sent, log } = await createRig(BOTH);
  const busy = hear();
  schedule([busy], { windows: [EU_RX1] });
  log.length = 0;
  const result = schedule([busy, hear({ gatewayEui: OTHER_EUI })], { windows: [EU_RX1], ...IDS });
  expect(causes(result)).toEqual(['RX1 conflict']);
  expect(events('gs.down.s')).toEqual([
    'gs.down.schedule.attempt',
    'gs.down.schedule.fail',
    'gs.down.schedule.attempt',
    'gs.down.send',
  ]);
  expect(log.find(({ name }) => name === 'gs.down.schedule.fail')).toMatchObject({
    causeCode: 'conflict',
    identifiers: [{ gatewayId: idOf(EUI) }],
    ...IDS,
  });
  expect(sent.at(-1)?.gatewayEui).toBe(OTHER_EUI);
});

test('a gateway that is away contributes its cause without an event', async () => {
  const { hear, schedule, events, sink, log } = await createRig(BOTH);
  const path = hear();
  sink.disconnected(EUI, 'unplugged');
  log.length = 0;
  const result = schedule([path, hear({ gatewayEui: OTHER_EUI })], { windows: [EU_RX1] });
  expect(causes(result)).toEqual(['RX1 no_downlink_path']);
  expect(events('gs.down.s')).toEqual(['gs.down.schedule.attempt', 'gs.down.send']);
});

test('a gateway that prefers others transmits only where there is no other', async () => {
  const registered = { [EUI]: { downlinkPathConstraint: DownlinkPathConstraint.PREFER_OTHER } };
  const { hear, schedule, scheduleFree, sent } = await createRig({ ...BOTH, registered });
  const best = hear();
  schedule([best, hear({ gatewayEui: OTHER_EUI })], { windows: [EU_RX1] });
  schedule([best], { windows: [EU_RX1] });
  expect(sent.map(({ gatewayEui }) => gatewayEui)).toEqual([OTHER_EUI, EUI]);
  // The same without an uplink, unless the application chose the order.
  const gateways = [EUI, OTHER_EUI].map((eui) => ({ gatewayId: idOf(eui), antennaIndex: 0 }));
  scheduleFree({ gateways });
  scheduleFree({ gateways, keepsOrder: true });
  expect(sent.slice(2).map(({ gatewayEui }) => gatewayEui)).toEqual([OTHER_EUI, EUI]);
});

test('what was tried before is not tried again', async () => {
  const { hear, schedule, scheduleFree, sent } = await createRig(BOTH);
  const paths = [hear(), hear({ gatewayEui: OTHER_EUI })];
  const gatewayId = idOf(EUI);
  schedule(paths, { except: [{ gatewayId, window: 'RX1' }] });
  schedule(paths, {
    except: [
      { gatewayId, window: 'RX1' },
      { gatewayId, window: 'RX2' },
    ],
  });
  expect(sent.map(({ gatewayEui, frequencyHz }) => [gatewayEui, frequencyHz])).toEqual([
    [EUI, 869_525_000],
    [OTHER_EUI, 868_100_000],
  ]);
  const free = scheduleFree({ except: [{ gatewayId, window: 'immediate' }] });
  expect(free).toEqual({ ok: false, refusals: [] });
});
