import { timestampMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import type { GatewayConnectionStats } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import type { RigOptions } from './testing/rig.ts';
import { createRig, EUI, idOf } from './testing/rig.ts';

const STATS = 'gs.gateway.connection.stats';
const PLACE = { latitude: 47.376_9, longitude: 8.541_7, altitudeM: 408 };

test('a new connection counts from zero, and the old one is over', async () => {
  const { clock, hear, schedule, server, sink } = await createRig();
  const stats = () => server.connectionStats(idOf(EUI));
  schedule([hear()]);
  sink.status({ gatewayEui: EUI, receivedCount: 1 });
  await clock.advance(0);
  expect(stats()).toMatchObject({
    uplinkCount: 1n,
    downlinkCount: 1n,
    txAcknowledgmentCount: 1n,
    lastStatus: { metrics: { rxin: 1 } },
  });
  await clock.advance(60_000);
  sink.disconnected(EUI, 'unplugged');
  const gone = stats();
  expect(gone.uplinkCount).toBe(1n);
  expect(gone.disconnectedAt && timestampMs(gone.disconnectedAt)).toBe(clock.now());
  await clock.advance(60_000);
  sink.connected({ gatewayEui: EUI, protocol: 'udp', downlinkReady: true });
  const anew = stats();
  expect(anew).toMatchObject({ uplinkCount: 0n, downlinkCount: 0n, txAcknowledgmentCount: 0n });
  expect(anew.connectedAt && timestampMs(anew.connectedAt)).toBe(clock.now());
  for (const absent of [
    'disconnectedAt',
    'lastStatus',
    'lastStatusReceivedAt',
    'lastUplinkReceivedAt',
    'lastDownlinkReceivedAt',
    'lastTxAcknowledgmentReceivedAt',
  ] satisfies (keyof GatewayConnectionStats)[])
    expect(anew[absent]).toBeUndefined();
  schedule([hear()]);
  await clock.advance(0);
  expect(stats()).toMatchObject({
    uplinkCount: 1n,
    downlinkCount: 1n,
    txAcknowledgmentCount: 1n,
  });
});

test('the plan of the link says which sub-bands there are, its own before those of its band', async () => {
  const subBandsWith = async (options: RigOptions) => {
    const { hear, schedule, server } = await createRig(options);
    schedule([hear()]);
    return server
      .connectionStats(idOf(EUI))
      .subBands.map(({ minFrequency, maxFrequency, downlinkUtilizationLimit }) => [
        Number(minFrequency),
        Number(maxFrequency),
        Number(downlinkUtilizationLimit.toFixed(3)),
      ]);
  };
  expect(await subBandsWith({ frequencyPlanId: 'EU_863_870' })).toEqual([
    [863_000_000, 865_000_000, 0.001],
    [865_000_000, 868_000_000, 0.01],
    [868_000_000, 868_600_000, 0.01],
    [868_700_000, 869_200_000, 0.001],
    [869_400_000, 869_650_000, 0.1],
    [869_700_000, 870_000_000, 0.01],
  ]);
  expect(await subBandsWith({ frequencyPlanId: 'AS_920_923_TTN_JP_1' })).toEqual([
    [922_000_000, 923_400_000, 1],
  ]);
  // Without a plan: what was used.
  expect(await subBandsWith({})).toEqual([[868_000_000, 868_600_000, 0.01]]);
});

test('numbers are told on connect, at most every 30 s while they change, and at the end', async () => {
  const { clock, hear, dataOf, sink, events } = await createRig();
  expect(dataOf('gs.gateway.connect')).toMatchObject([{ protocol: 'udp' }]);
  expect(dataOf(STATS)).toHaveLength(1);
  for (let count = 0; count < 100; count += 1) {
    hear();
    await clock.advance(1_000);
  }
  const told = dataOf(STATS).map((message) => (message as GatewayConnectionStats).uplinkCount);
  expect(told).toEqual([0n, 30n, 60n, 90n]);
  await clock.advance(600_000);
  // The rest of them, and then nothing: nothing changes any more.
  expect(dataOf(STATS)).toHaveLength(5);
  hear();
  sink.disconnected(EUI, 'nothing was heard from it for 3 minutes');
  await clock.advance(600_000);
  const all = dataOf(STATS) as GatewayConnectionStats[];
  expect(all).toHaveLength(6);
  expect(all.at(-1)).toMatchObject({ protocol: '', uplinkCount: 0n });
  expect(all.at(-1)?.disconnectedAt).toBeDefined();
  expect(dataOf('gs.gateway.disconnect')).toMatchObject([
    { name: 'gateway_disconnected', messageFormat: 'nothing was heard from it for 3 minutes' },
  ]);
  expect(events('gs.gateway.').filter((name) => name !== STATS)).toEqual([
    'gs.gateway.connect',
    'gs.gateway.disconnect',
  ]);
});

test('a position is kept from the status of gateways that are registered so, once an hour', async () => {
  const moved = { ...PLACE, latitude: 47.4 };
  const still = await createRig({ registered: { [EUI]: {} } });
  still.sink.status({ gatewayEui: EUI, ...PLACE });
  expect(still.places).toEqual([]);
  const { clock, sink, places } = await createRig({
    registered: { [EUI]: { updateLocationFromStatus: true } },
  });
  const report = (place: typeof PLACE) => sink.status({ gatewayEui: EUI, ...place });
  report(PLACE);
  report(moved);
  await clock.advance(3_599_999);
  report(moved);
  expect(places).toEqual([{ gatewayId: idOf(EUI), place: PLACE }]);
  await clock.advance(1);
  // A metre is no move.
  report({ ...PLACE, longitude: PLACE.longitude + 0.000_009 });
  expect(places).toHaveLength(1);
  report(moved);
  expect(places.at(-1)?.place).toEqual(moved);
});

test('a status carries its position and the numbers of the forwarder under their own names', async () => {
  const { sink, dataOf } = await createRig();
  const furtherMetrics = { lpps: 60, lmnw: 12, lmst: 1_000, lmok: 900 };
  sink.status({ gatewayEui: EUI, temperatureCelsius: 21, furtherMetrics, ...PLACE });
  sink.status({ gatewayEui: EUI });
  expect(dataOf('gs.status.receive')).toMatchObject([
    {
      metrics: { temp: 21, ...furtherMetrics },
      antennaLocations: [{ latitude: 47.376_9, longitude: 8.541_7, altitude: 408, source: 1 }],
    },
    { metrics: {}, antennaLocations: [] },
  ]);
});
