import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { DataRateIndex } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { covers, isPathSet, mergeByPaths, pickByPaths, touches, without } from './masks.ts';

type Init = Parameters<typeof create<typeof EndDeviceSchema>>[1];
const device = (init: Init = {}): EndDevice => create(EndDeviceSchema, init);

function merged(target: Init, source: Init, paths: readonly string[]): EndDevice {
  const result = device(target);
  mergeByPaths(EndDeviceSchema, result, device(source), paths);
  return result;
}

test('a mask names a path itself or a parent of it', () => {
  expect(covers(['session'], 'session.keys.app_s_key')).toBe(true);
  expect(covers(['session.keys'], 'session')).toBe(false);
  expect(covers(['session_key'], 'session')).toBe(false);
  expect(touches(['session.keys'], 'session')).toBe(true);
  expect(without(['ids', 'ids.dev_eui', 'name'], 'ids')).toEqual(['name']);
});

test('only masked paths are taken', () => {
  const result = merged({ name: 'old', description: 'kept' }, { name: 'new', description: 'x' }, [
    'name',
  ]);
  expect(result).toEqual(device({ name: 'new', description: 'kept' }));
});

test('an absent parent clears its sub-tree, an absent child becomes zero inside a parent that is kept', () => {
  const stored: Init = { macSettings: { rx2Frequency: { value: 869_525_000n } } };
  expect(merged(stored, {}, ['mac_settings.rx2_frequency']).macSettings?.rx2Frequency).toBe(
    undefined,
  );
  const zero = merged(stored, {}, ['mac_settings.rx2_frequency.value']);
  expect(zero.macSettings?.rx2Frequency?.value).toBe(0n);
  expect(merged(stored, {}, ['mac_settings']).macSettings).toBeUndefined();
});

test('a child whose parent nobody has is skipped', () => {
  expect(merged({}, {}, ['mac_settings.rx2_frequency.value'])).toEqual(device());
  expect(merged({}, {}, ['battery_percentage.value']).batteryPercentage).toBeUndefined();
});

test('wrappers of the protobuf library have a value path too', () => {
  expect(merged({}, { batteryPercentage: 0.5 }, ['battery_percentage.value'])).toEqual(
    device({ batteryPercentage: 0.5 }),
  );
  expect(merged({ batteryPercentage: 0.5 }, {}, ['battery_percentage.value'])).toEqual(
    device({ batteryPercentage: 0 }),
  );
  expect(merged({ batteryPercentage: 0.5 }, {}, ['battery_percentage'])).toEqual(device());
});

test('a oneof is a path element of its own', () => {
  const dynamic: Init = {
    macSettings: { adr: { mode: { case: 'dynamic', value: { margin: 12 } } } },
  };
  const result = merged({}, dynamic, ['mac_settings.adr.mode.dynamic.margin']);
  expect(result).toEqual(device(dynamic));
  const more = merged(
    dynamic,
    {
      macSettings: {
        adr: {
          mode: {
            case: 'dynamic',
            value: { margin: 3, minDataRateIndex: { value: DataRateIndex.DATA_RATE_2 } },
          },
        },
      },
    },
    ['mac_settings.adr.mode.dynamic.min_data_rate_index'],
  );
  expect(more.macSettings?.adr?.mode).toMatchObject({
    case: 'dynamic',
    value: { margin: 12, minDataRateIndex: { value: DataRateIndex.DATA_RATE_2 } },
  });
});

test('the arm of a oneof changes only when the oneof itself is masked', () => {
  const dynamic: Init = {
    macSettings: { adr: { mode: { case: 'dynamic', value: { margin: 12 } } } },
  };
  const fixed: Init = {
    macSettings: { adr: { mode: { case: 'static', value: { nbTrans: 2 } } } },
  };
  expect(() => merged(dynamic, fixed, ['mac_settings.adr.mode.static.nb_trans'])).toThrow(
    'mac_settings.adr.mode',
  );
  expect(merged(dynamic, fixed, ['mac_settings.adr.mode'])).toEqual(device(fixed));
  const cleared = merged(dynamic, {}, ['mac_settings.adr.mode']);
  expect(cleared.macSettings?.adr?.mode.case).toBeUndefined();
});

test('maps and lists are taken as a whole', () => {
  expect(
    merged({ attributes: { a: '1', b: '2' } }, { attributes: { c: '3' } }, ['attributes'])
      .attributes,
  ).toEqual({ c: '3' });
  expect(
    merged({ usedDevNonces: [1, 2] }, { usedDevNonces: [3] }, ['used_dev_nonces']).usedDevNonces,
  ).toEqual([3]);
});

test('an answer has the masked paths and shares nothing with the source', () => {
  const source = device({
    name: 'door',
    session: { devAddr: Uint8Array.of(1, 2, 3, 4), lastFCntUp: 7 },
    macSettings: { adr: { mode: { case: 'static', value: { nbTrans: 2 } } } },
  });
  const picked = pickByPaths(EndDeviceSchema, source, [
    'session.dev_addr',
    'mac_settings.adr.mode.dynamic.margin',
  ]);
  expect(picked.session).toMatchObject({ devAddr: Uint8Array.of(1, 2, 3, 4), lastFCntUp: 0 });
  expect(picked.name).toBe('');
  expect(picked.macSettings?.adr?.mode.case).toBeUndefined();
  picked.session?.devAddr.fill(0);
  expect(source.session?.devAddr).toEqual(Uint8Array.of(1, 2, 3, 4));
});

test('an unknown path is refused by name', () => {
  expect(() => merged({}, {}, ['mac_settings.nonsense'])).not.toThrow();
  expect(() => merged({}, { macSettings: {} }, ['mac_settings.nonsense'])).toThrow(
    'mac_settings.nonsense',
  );
});

test('whether a path is set', () => {
  const some = device({ macSettings: { useAdr: { value: false } }, downlinkMargin: 0 });
  expect(isPathSet(EndDeviceSchema, some, 'mac_settings.use_adr')).toBe(true);
  expect(isPathSet(EndDeviceSchema, some, 'mac_settings.use_adr.value')).toBe(false);
  expect(isPathSet(EndDeviceSchema, some, 'mac_settings.adr.mode.static.nb_trans')).toBe(false);
  expect(isPathSet(EndDeviceSchema, some, 'downlink_margin')).toBe(false);
});
