import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  Class,
  DataRateIndex,
  MACVersion,
  PHYVersion,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { GatehouseError } from '../base/errors.ts';
import { checkNetworkDevice } from './network-rules.ts';

type Init = Exclude<Parameters<typeof create<typeof EndDeviceSchema>>[1], undefined | EndDevice>;

const key = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const devEui = new Uint8Array(8).fill(7);
const zeroEui = new Uint8Array(8);
const session = { devAddr: Uint8Array.of(2, 1, 2, 3), keys: { fNwkSIntKey: { key: key(1) } } };
const eu868: Init = {
  ids: { deviceId: 'door', devEui, joinEui: zeroEui },
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
};
const abp = (init: Init = {}): EndDevice => create(EndDeviceSchema, { ...eu868, session, ...init });
const otaa = (init: Init = {}): EndDevice =>
  create(EndDeviceSchema, { ...eu868, supportsJoin: true, ...init });

/** The refused field, `ok`, or the code of another error. */
function verdict(device: EndDevice, paths: readonly string[], stored?: EndDevice): string {
  try {
    checkNetworkDevice(device, paths, stored);
    return 'ok';
  } catch (error) {
    const { reason, code, attributes } = error as GatehouseError;
    return reason === 'field_value' ? String(attributes.field) : code;
  }
}

test('a JoinEUI of zeros is a valid one', () => {
  expect(verdict(otaa(), ['supports_join'])).toBe('ok');
  const without = otaa({ ids: { deviceId: 'door', devEui } });
  expect(verdict(without, ['supports_join'])).toBe('ids.join_eui');
});

test.each<[string, EndDevice, string[], string]>([
  ['an empty plan', abp({ frequencyPlanId: '' }), ['frequency_plan_id'], 'frequency_plan_id'],
  [
    'an unknown LoRaWAN version',
    abp({ lorawanVersion: MACVersion.MAC_UNKNOWN }),
    ['lorawan_version'],
    'lorawan_version',
  ],
  [
    'a band without these regional parameters',
    abp({ frequencyPlanId: 'AS_923', lorawanPhyVersion: PHYVersion.PHY_V1_0 }),
    ['frequency_plan_id'],
    'pkg/networkserver/internal:no_band_version',
  ],
  ['ABP without a session', abp({ session: {} }), ['supports_join'], 'session.dev_addr'],
  [
    'ABP with a session key id',
    abp({ session: { ...session, keys: { ...session.keys, sessionKeyId: key(2) } } }),
    ['supports_join'],
    'session.keys.session_key_id',
  ],
  [
    'ABP of 1.0.4 without DevEUI',
    abp({ ids: { deviceId: 'door' }, lorawanVersion: MACVersion.MAC_V1_0_4 }),
    ['supports_join'],
    'ids.dev_eui',
  ],
  [
    'ABP of class B without ping slots',
    abp({ supportsClassB: true }),
    ['supports_join'],
    'mac_settings.ping_slot_periodicity',
  ],
  [
    'a joined session without key id',
    otaa({ session }),
    ['session.dev_addr'],
    'session.keys.session_key_id',
  ],
  [
    'different keys before 1.1',
    abp({ session: { ...session, keys: { ...session.keys, nwkSEncKey: { key: key(9) } } } }),
    ['session'],
    'session.keys.nwk_s_enc_key.key',
  ],
  ['a MAC state without session', otaa({ macState: {} }), ['mac_state.device_class'], 'session'],
  ['multicast without class B or C', abp({ multicast: true }), ['multicast'], 'supports_class_b'],
  [
    'multicast in class A',
    abp({ multicast: true, supportsClassC: true, macState: { deviceClass: Class.A } }),
    ['multicast'],
    'mac_state.device_class',
  ],
  [
    'multicast with uplinks',
    abp({ multicast: true, supportsClassC: true, session: { ...session, lastFCntUp: 1 } }),
    ['multicast'],
    'session.last_f_cnt_up',
  ],
])('%s is refused', (_, device, paths, expected) => {
  expect(verdict(device, paths)).toBe(expected);
});

const settings = (macSettings: Init['macSettings']): EndDevice => otaa({ macSettings });

test.each<[string, EndDevice, string]>([
  [
    'a data rate the band does not have',
    settings({ rx2DataRateIndex: { value: DataRateIndex.DATA_RATE_15 } }),
    'mac_settings.rx2_data_rate_index.value',
  ],
  [
    'a static power index beyond the band’s',
    settings({ adr: { mode: { case: 'static', value: { txPowerIndex: 15, nbTrans: 1 } } } }),
    'mac_settings.adr.mode.static.tx_power_index',
  ],
  [
    'ADR beyond the highest rate for ADR',
    settings({
      adr: {
        mode: {
          case: 'dynamic',
          value: { maxDataRateIndex: { value: DataRateIndex.DATA_RATE_7 } },
        },
      },
    }),
    'mac_settings.adr.mode.dynamic.max_data_rate_index.value',
  ],
  [
    'a minimum above its maximum',
    settings({ adr: { mode: { case: 'dynamic', value: { minNbTrans: 3, maxNbTrans: 2 } } } }),
    'mac_settings.adr.mode.dynamic.max_nb_trans',
  ],
  [
    'the same in an override',
    settings({
      adr: {
        mode: {
          case: 'dynamic',
          value: { overrides: { dataRate3: { minNbTrans: 2, maxNbTrans: 1 } } },
        },
      },
    }),
    'mac_settings.adr.mode.dynamic.overrides.data_rate_3.max_nb_trans',
  ],
  [
    'old and new ADR settings together',
    settings({ useAdr: { value: true }, adr: { mode: { case: 'disabled', value: {} } } }),
    'mac_settings.adr',
  ],
  [
    'a dwell time where the band has none',
    settings({ uplinkDwellTime: { value: true } }),
    'mac_settings.uplink_dwell_time.value',
  ],
  [
    'a relay channel at a data rate the band does not have',
    settings({
      relay: {
        mode: {
          case: 'served',
          value: {
            mode: { case: 'always', value: {} },
            secondChannel: { dataRateIndex: DataRateIndex.DATA_RATE_15 },
          },
        },
      },
    }),
    'mac_settings.relay.mode.served.second_channel.data_rate_index',
  ],
  [
    // EU868 has WOR channels from RP002-1.0.4 on.
    'a relay in a version of the band that has no channels for it',
    settings({ desiredRelay: { mode: { case: 'serving', value: {} } } }),
    'mac_settings.desired_relay.mode.serving.default_channel_index',
  ],
  [
    'a factory preset outside the band',
    settings({ factoryPresetFrequencies: [868_100_000n, 915_000_000n] }),
    'mac_settings.factory_preset_frequencies',
  ],
])('%s is refused', (_, device, expected) => {
  expect(verdict(device, ['mac_settings'])).toBe(expected);
});

test('values the band has are taken', () => {
  const device = settings({
    rx2DataRateIndex: { value: DataRateIndex.DATA_RATE_3 },
    factoryPresetFrequencies: [868_100_000n, 867_100_000n],
    adr: {
      mode: {
        case: 'dynamic',
        value: {
          minDataRateIndex: { value: DataRateIndex.DATA_RATE_0 },
          maxDataRateIndex: { value: DataRateIndex.DATA_RATE_5 },
          minTxPowerIndex: 0,
          maxTxPowerIndex: 7,
        },
      },
    },
  });
  expect(verdict(device, ['mac_settings', 'frequency_plan_id'])).toBe('ok');
});

test('a change of plan checks again what is stored', () => {
  const stored = settings({ factoryPresetFrequencies: [868_100_000n] });
  const moved = otaa({
    frequencyPlanId: 'US_902_928_FSB_2',
    macSettings: { factoryPresetFrequencies: [868_100_000n] },
  });
  expect(verdict(moved, ['frequency_plan_id'], stored)).toBe(
    'mac_settings.factory_preset_frequencies',
  );
  expect(verdict(moved, ['supports_class_c'], stored)).toBe('ok');
});

test('nothing may be wanted of a multicast group', () => {
  const group = (desiredHz: bigint) =>
    abp({
      multicast: true,
      supportsClassC: true,
      macState: {
        deviceClass: Class.C,
        lorawanVersion: MACVersion.MAC_V1_0_3,
        currentParameters: { rx2Frequency: 869_525_000n },
        desiredParameters: { rx2Frequency: desiredHz },
      },
    });
  expect(verdict(group(868_100_000n), ['mac_state'])).toBe('mac_state.desired_parameters');
  expect(verdict(group(869_525_000n), ['mac_state'])).toBe('ok');
});

test('a rule whose fields are not in the mask does not run', () => {
  expect(verdict(create(EndDeviceSchema, { ids: { deviceId: 'door' } }), [])).toBe('ok');
});

test('an update cannot make another kind of device', () => {
  expect(verdict(otaa(), ['supports_join'], abp())).toBe('supports_join');
  const group = abp({ multicast: true, supportsClassC: true });
  expect(verdict(group, ['multicast'], abp())).toBe('multicast');
});
