import { describe, expect, it } from 'vitest';
import { MACVersion, PHYVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { toHex } from '../../formats/bytes.ts';
import {
  changeDraft,
  draftProblems,
  draftToEndDevice,
  fieldOfError,
  fieldOfPath,
  INITIAL_DRAFT,
} from './device-draft.ts';

const KEY = '2B7E151628AED2A6ABF7158809CF4F3C';
const OTAA = {
  ...INITIAL_DRAFT,
  deviceId: 'door-1',
  devEui: '0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34',
  appKey: KEY,
  frequencyPlanId: 'EU_863_870',
};
const ABP = {
  ...OTAA,
  activation: 'abp' as const,
  devEui: '',
  devAddr: '02:AB:12:34',
  nwkSKey: KEY,
  appSKey: KEY,
};

describe('draftProblems', () => {
  it('asks for what is missing and lets a complete device pass', () => {
    expect(Object.keys(draftProblems(INITIAL_DRAFT)).sort()).toEqual([
      'appKey',
      'devEui',
      'deviceId',
      'frequencyPlanId',
    ]);
    expect(draftProblems(OTAA)).toEqual({});
    expect(draftProblems(ABP)).toEqual({});
  });

  it('asks for all keys of 1.1 and for a DevEUI with 1.0.4', () => {
    const v11 = changeDraft(OTAA, { macVersion: MACVersion.MAC_V1_1 });
    expect(draftProblems(v11)).toHaveProperty('nwkKey');
    const abp11 = changeDraft(ABP, { macVersion: MACVersion.MAC_V1_1 });
    expect(Object.keys(draftProblems(abp11)).sort()).toEqual(['nwkSEncKey', 'sNwkSIntKey']);
    expect(draftProblems({ ...ABP, macVersion: MACVersion.MAC_V1_0_4 })).toHaveProperty('devEui');
  });
});

it('keeps the Regional Parameters version in step with the LoRaWAN version', () => {
  expect(changeDraft(OTAA, { macVersion: MACVersion.MAC_V1_0_4 }).phyVersion).toBe(
    PHYVersion.RP002_V1_0_4,
  );
  expect(changeDraft(OTAA, { name: 'x' }).phyVersion).toBe(PHYVersion.PHY_V1_0_3_REV_A);
});

describe('draftToEndDevice', () => {
  it('makes an OTAA device', () => {
    const device = draftToEndDevice(OTAA);
    expect(toHex(device.ids?.devEui ?? new Uint8Array())).toBe('70B3D57ED0001234');
    expect(toHex(device.ids?.joinEui ?? new Uint8Array())).toBe('0000000000000001');
    expect(device.supportsJoin).toBe(true);
    expect(toHex(device.rootKeys?.appKey?.key ?? new Uint8Array())).toBe(KEY);
    expect(device.session).toBeUndefined();
    expect(device.formatters).toBeUndefined();
    expect(device.supportsClassC).toBe(false);
    expect(draftToEndDevice({ ...OTAA, supportsClassC: true }).supportsClassC).toBe(true);
  });

  it('makes an ABP device with a session and no root keys', () => {
    const device = draftToEndDevice({ ...ABP, resetsFCnt: true });
    expect(device.rootKeys).toBeUndefined();
    expect(toHex(device.session?.devAddr ?? new Uint8Array())).toBe('02AB1234');
    expect(device.session?.keys?.sNwkSIntKey).toBeUndefined();
    expect(device.macSettings?.resetsFCnt?.value).toBe(true);
  });

  it('sends code only with the JavaScript formatter', () => {
    const cayenne = { ...OTAA, formatter: PayloadFormatter.FORMATTER_CAYENNELPP };
    expect(draftToEndDevice(cayenne).formatters?.upFormatterParameter).toBe('');
    const script = { ...OTAA, formatter: PayloadFormatter.FORMATTER_JAVASCRIPT };
    expect(draftToEndDevice(script).formatters?.upFormatterParameter).toContain('decodeUplink');
  });
});

it('finds the form field a server means', () => {
  expect(fieldOfPath('end_device.ids.dev_eui')).toBe('devEui');
  expect(fieldOfPath('root_keys.app_key.key')).toBe('appKey');
  expect(fieldOfPath('mac_settings')).toBeUndefined();
  expect(fieldOfError('pkg/identityserver/store:end_device_euis_taken')).toBe('devEui');
});
