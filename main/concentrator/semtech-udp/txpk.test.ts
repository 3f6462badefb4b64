import { describe, expect, test } from 'vitest';
import type { TxRequest } from '../../base/gateway-link.ts';
import { eirpFromPowe, poweFromEirp } from './power.ts';
import { txpkFromRequest } from './txpk.ts';

const REQUEST: TxRequest = {
  gatewayEui: 'AA555A000000010B',
  phyPayload: Uint8Array.of(0x60, 1, 2, 3),
  frequencyHz: 869_525_000,
  modulation: { kind: 'lora', spreadingFactor: 9, bandwidthHz: 125_000, codingRate: '4/5' },
  eirpDbm: 29.15,
  antennaIndex: 0,
  invertPolarization: true,
  payloadCrc: false,
  time: { kind: 'timestamp', concentratorTimestampUs: 5_000_000 },
};

describe('txpk', () => {
  test('of a LoRaWAN downlink at a timestamp', () => {
    expect(JSON.stringify(txpkFromRequest(REQUEST))).toBe(
      '{"tmst":5000000,"freq":869.525,"rfch":0,"powe":27,"modu":"LORA","datr":"SF9BW125","codr":"4/5",' +
        '"ipol":true,"ncrc":true,"size":4,"data":"YAECAw=="}',
    );
  });

  test('counters wrap at 32 bits', () => {
    const time = { kind: 'timestamp', concentratorTimestampUs: 2 ** 32 + 7 } as const;
    expect(txpkFromRequest({ ...REQUEST, time })?.tmst).toBe(7);
  });

  test('class C and class B say when in their own way', () => {
    expect(txpkFromRequest({ ...REQUEST, time: { kind: 'immediate' } })).toMatchObject({
      imme: true,
    });
    const time = { kind: 'gps', gpsTimeMs: 1_458_836_495_528 } as const;
    const txpk = txpkFromRequest({ ...REQUEST, time });
    expect(txpk).toMatchObject({ tmms: 1_458_836_495_528 });
    expect(txpk).not.toHaveProperty('tmst');
    expect(txpk).not.toHaveProperty('prea');
  });

  test('FSK has a deviation of half the bit rate and no coding rate', () => {
    const txpk = txpkFromRequest({ ...REQUEST, modulation: { kind: 'fsk', bitRate: 50_000 } });
    expect(txpk).toMatchObject({ modu: 'FSK', datr: 50_000, fdev: 25_000 });
    expect(txpk).not.toHaveProperty('codr');
  });

  test('LR-FHSS cannot be transmitted', () => {
    const modulation = {
      kind: 'lrfhss',
      modulationType: 0,
      operatingChannelWidthHz: 137_000,
      codingRate: '1/3',
    } as const;
    expect(txpkFromRequest({ ...REQUEST, modulation })).toBeUndefined();
  });

  test.each([868_100_000, 868_300_001, 433_175_000, 2_425_000_000, 916_799_999])(
    'frequency %i Hz is exact in MHz',
    (frequencyHz) => {
      const printed = JSON.stringify(txpkFromRequest({ ...REQUEST, frequencyHz })?.freq);
      const [whole, fraction = ''] = printed.split('.');
      expect(fraction.length).toBeLessThanOrEqual(6);
      expect(`${whole}${fraction.padEnd(6, '0')}`).toBe(String(frequencyHz));
    },
  );

  test('another antenna than the first is named', () => {
    expect(txpkFromRequest({ ...REQUEST, antennaIndex: 1 })).toMatchObject({ brd: 0, ant: 1 });
  });
});

test.each([
  [16, 13],
  [16.15, 14],
  [14, 11],
  [29.15, 27],
  [30, 27],
])('EIRP %s dBm is powe %s', (eirpDbm, powe) => {
  expect(poweFromEirp(eirpDbm)).toBe(powe);
});

test('powe is back EIRP with the dipole gain', () => {
  expect(eirpFromPowe(14)).toBe(16.15);
});
