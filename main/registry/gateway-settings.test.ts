import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { GatewaySchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createStore, type Store } from '../store/index.ts';
import { createRegistry, type Registry } from './index.ts';

const ids = { gatewayId: 'roof' };
let store: Store;
let gateways: Registry['gateways'];
let published: string[];

beforeEach(async () => {
  const clock = virtualClock();
  const logger = silentLogger();
  published = [];
  store = await createStore({ directory: ':memory:', clock, logger });
  gateways = createRegistry({
    store,
    clock,
    logger,
    publish: (event) => published.push(event.name),
    newMacState: () => create(MACStateSchema),
  }).gateways;
});
afterEach(() => store.close());

type Init = Exclude<MessageInitShape<typeof GatewaySchema>, { $typeName: string }>;
const gateway = (init: Init = {}) => create(GatewaySchema, { ids, ...init });

test('settings are those of the registration, from the moment it changes until it is deleted', async () => {
  expect(gateways.settings('roof')).toBeUndefined();
  await gateways.create(gateway({ antennas: [{ gain: 3 }], frequencyPlanId: 'EU_863_870' }));
  expect(gateways.settings('roof')).toEqual({
    antennaGainsDbi: [3],
    frequencyPlanIds: ['EU_863_870'],
    downlinkPath: 'any',
    enforceDutyCycle: false,
    scheduleLate: false,
    updateLocationFromStatus: false,
    requiresAuthentication: false,
    publicLocations: [],
  });
  const { PREFER_OTHER } = DownlinkPathConstraint;
  const changed = gateway({
    downlinkPathConstraint: PREFER_OTHER,
    enforceDutyCycle: true,
    frequencyPlanIds: ['EU_863_870_TTN', 'EU_863_870'],
    scheduleAnytimeDelay: { seconds: 1n, nanos: 500_000_000 },
    scheduleDownlinkLate: true,
  });
  await gateways.update(changed, [
    'downlink_path_constraint',
    'enforce_duty_cycle',
    'frequency_plan_ids',
    'schedule_anytime_delay',
    'schedule_downlink_late',
  ]);
  expect(gateways.settings('roof')).toMatchObject({
    antennaGainsDbi: [3],
    downlinkPath: 'prefer_other',
    enforceDutyCycle: true,
    frequencyPlanIds: ['EU_863_870_TTN', 'EU_863_870'],
    anytimeDelayMs: 1_500,
    scheduleLate: true,
  });
  await gateways.delete('roof');
  expect(gateways.settings('roof')).toBeUndefined();
});

test('a gateway that was only heard keeps to its duty cycle', async () => {
  const id = gateways.ensureHeard('0016C001F156A1B2' as never);
  await store.unit(() => undefined);
  expect(gateways.settings(id)).toMatchObject({ enforceDutyCycle: true, downlinkPath: 'any' });
});

test('where a gateway says it is becomes the place of its first antenna, and leaves it new', async () => {
  const id = gateways.ensureHeard('0016C001F156A1B2' as never);
  await gateways.recordLocation(id, { latitude: 47.5, longitude: 8.25, altitudeM: 407.6 });
  expect((await gateways.get(id, ['antennas'])).antennas).toMatchObject([
    {
      gain: 0,
      location: {
        latitude: 47.5,
        longitude: 8.25,
        altitude: 408,
        source: LocationSource.SOURCE_GPS,
      },
    },
  ]);
  expect(gateways.isNew(id)).toBe(true);
  expect(published).toContain('gateway.update');
  await gateways.recordLocation('nobody', { latitude: 1, longitude: 1 });
});

test('only known places of gateways that make theirs public are told', async () => {
  const antennas = [
    { location: { latitude: 47.5, source: LocationSource.SOURCE_REGISTRY } },
    { location: { latitude: 47.6 } },
    {},
  ];
  await gateways.create(gateway({ antennas }));
  expect(gateways.settings('roof')?.publicLocations).toEqual([]);
  await gateways.update(gateway({ locationPublic: true }), ['location_public']);
  expect(gateways.settings('roof')?.publicLocations).toMatchObject([
    { latitude: 47.5 },
    undefined,
    undefined,
  ]);
});
