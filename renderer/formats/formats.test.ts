import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { DataRateSchema } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { formatSize, parseBase64, parseHex, toBase64, toHex, toText } from './bytes.ts';
import {
  formatAirtime,
  formatDataRate,
  formatDb,
  formatDbm,
  formatFrequency,
  parseMegahertz,
} from './radio.ts';
import { ago, agoOrNever, duration, timestampMs } from './time.ts';

describe('radio', () => {
  const sf7 = create(DataRateSchema, {
    modulation: { case: 'lora', value: { spreadingFactor: 7, bandwidth: 125_000 } },
  });

  it('writes units and data rates as engineers do', () => {
    expect(formatFrequency(868_100_000n)).toBe('868.100 MHz');
    expect(formatFrequency(868_062_500)).toBe('868.0625 MHz');
    expect(formatDataRate(sf7, 5)).toBe('DR5 · SF7BW125');
    expect(formatDataRate(sf7, undefined)).toBe('SF7BW125');
    expect(formatDataRate(undefined, undefined)).toBe('–');
    expect(formatDbm(-97)).toBe('-97 dBm');
    expect(formatDb(7.5)).toBe('7.5 dB');
    expect(formatDb(undefined)).toBe('–');
    expect(formatAirtime(61_696)).toBe('61.7 ms');
    expect(formatAirtime(1_318_912)).toBe('1.32 s');
  });

  it('keeps a measured 0 apart from nothing measured', () => {
    expect(formatDbm(0)).toBe('0 dBm');
    expect(formatDbm(undefined)).toBe('–');
  });

  it('reads megahertz', () => {
    expect(parseMegahertz('868.1')).toBe(868_100_000);
    expect(parseMegahertz(' 868,3 ')).toBe(868_300_000);
    expect(parseMegahertz('868100000')).toBeUndefined();
    expect(parseMegahertz('')).toBeUndefined();
  });
});

describe('bytes', () => {
  it('goes to text and back', () => {
    const bytes = Uint8Array.from([0x00, 0x7f, 0xff, 0x41]);
    expect(toHex(bytes, ' ')).toBe('00 7F FF 41');
    expect(parseHex('0x00, 7f:FF 41')).toEqual(bytes);
    expect(parseBase64(toBase64(bytes))).toEqual(bytes);
    expect(parseBase64('_-8')).toEqual(Uint8Array.from([0xff, 0xef]));
    expect(toText(bytes)).toBe('···A');
  });

  it('refuses what is none', () => {
    expect(parseHex('123')).toBeUndefined();
    expect(parseHex('zz')).toBeUndefined();
    expect(parseBase64('!!')).toBeUndefined();
    expect(parseBase64('A')).toBeUndefined();
  });

  it('writes sizes', () => {
    expect([0, 999, 12_345, 4_500_000].map(formatSize)).toEqual([
      '0 B',
      '999 B',
      '12.3 kB',
      '4.5 MB',
    ]);
  });
});

describe('time', () => {
  it('writes ages', () => {
    expect([999, 3_000, 125_000, 7_200_000, 200_000_000].map(duration)).toEqual([
      '0 s',
      '3 s',
      '2 min',
      '2 h',
      '2 d',
    ]);
    expect(ago(10_000, 10_200)).toBe('just now');
    expect(ago(20_000, 10_000)).toBe('just now');
    expect(agoOrNever(undefined, 0)).toBe('never');
  });

  it('tells an absent time from an early one', () => {
    expect(timestampMs(undefined)).toBeUndefined();
    expect(timestampMs(create(TimestampSchema))).toBeUndefined();
    expect(timestampMs(create(TimestampSchema, { seconds: 2n, nanos: 500_000 }))).toBe(2000.5);
  });
});
