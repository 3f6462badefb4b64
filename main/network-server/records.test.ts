import { expect, test } from 'vitest';
import { band, type PhyVersion } from '../lorawan/index.ts';
import { downlinkRecord } from './records.ts';
import { lora } from './testing/lab.ts';

test.each([
  // RP002-1.0.0 still has DR0, SF12; from RP002-1.0.1 on the band begins with DR1, SF11 (§2.9.3).
  ['RP002_V1_0_0', 12, 0],
  ['RP002_V1_0_0', 11, 1],
  ['RP002_V1_0_1', 11, 1],
] as const)(
  'a downlink is recorded by the data rates of %s: SF%i is DR%i',
  (version, sf, index) => {
    const record = downlinkRecord({
      phyPayload: new Uint8Array(12),
      nowMs: 0,
      stages: [],
      facts: { band: band('CN_470_510_20_A', version as PhyVersion) },
      uplinkFrameId: 1,
      scheduled: {
        antennaIndex: 0,
        gatewayId: 'roof',
        window: 'RX2',
        frequencyHz: 486_900_000,
        modulation: lora(sf),
        eirpDbm: 14,
        concentratorTimestampUs: 0,
        marginMs: 0,
        acknowledged: Promise.resolve({ result: 'success' }),
      },
    });
    expect(record.dataRateIndex).toBe(index);
    expect(record.bandId).toBe('CN_470_510_20_A');
  },
);
