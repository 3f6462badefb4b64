import { describe, expect, test } from 'vitest';
import type { TxRequest } from '../../base/gateway-link.ts';
import { monotonicFromTimestamp, timestampFromMonotonic } from './concentrator-time.ts';
import { planTransmission } from './transmission-plan.ts';

const REQUEST: TxRequest = {
  gatewayEui: '0000000000000E55',
  phyPayload: new Uint8Array(20),
  frequencyHz: 869_525_000,
  modulation: { kind: 'lora', spreadingFactor: 9, bandwidthHz: 125_000, codingRate: '4/5' },
  eirpDbm: 27,
  antennaIndex: 0,
  invertPolarization: true,
  payloadCrc: false,
  time: { kind: 'timestamp', concentratorTimestampUs: 2_000_000 },
};
const CONTEXT = { baudRate: 9600, transmitOffsetMs: 5, nowMs: 1_000 };

describe('the counter of a modem', () => {
  test('is the host clock in microseconds, 32 bits wide', () => {
    expect(timestampFromMonotonic(1.5)).toBe(1_500);
    expect(timestampFromMonotonic(2 ** 32 / 1000 + 7)).toBe(7_000);
  });

  test.each([0, 4_294_000, 4_294_968, 9_000_000_000])('is read back near %s ms', (nowMs) => {
    for (const aheadMs of [-1_000, 0, 1_000, 60_000]) {
      const targetMs = Math.max(0, nowMs + aheadMs);
      const read = monotonicFromTimestamp(timestampFromMonotonic(targetMs), nowMs);
      expect(read).toBeCloseTo(targetMs, 2);
    }
  });
});

describe('the plan of a transmission', () => {
  test('writes the line early by its own time and the calibrated delay', () => {
    const plan = planTransmission(REQUEST, CONTEXT);
    if (plan.refusal) throw new Error(plan.refusal.detail);
    // AT+TEST=TXLRPKT, "…40 digits…" and its end are 60 characters: 62.5 ms at 9600 baud.
    const characters = 'AT+TEST=TXLRPKT, ""'.length + 40 + 2;
    expect(plan.transmission.writeAtMs).toBeCloseTo(2_000 - (characters * 10) / 9.6 - 5, 3);
    expect(plan.prepareAtMs).toBeLessThan(plan.transmission.writeAtMs - 200);
    expect(plan.transmission.radio).toEqual({
      frequencyHz: 869_525_000,
      spreadingFactor: 9,
      bandwidthHz: 125_000,
      powerDbm: 14,
      payloadCrc: false,
      invertPolarization: true,
    });
  });

  test('puts out what is wanted less the gain of the antenna', () => {
    const plan = planTransmission({ ...REQUEST, eirpDbm: 16.15, antennaGainDbi: 2.15 }, CONTEXT);
    expect(plan).toMatchObject({ transmission: { radio: { powerDbm: 14 } } });
    const less = planTransmission({ ...REQUEST, eirpDbm: 16.15, antennaGainDbi: 6 }, CONTEXT);
    expect(less).toMatchObject({ transmission: { radio: { powerDbm: 10 } } });
  });

  test('refuses what comes too late', () => {
    const plan = planTransmission(REQUEST, { ...CONTEXT, nowMs: 1_750 });
    expect(plan.refusal?.result).toBe('too_late');
    expect(planTransmission(REQUEST, { ...CONTEXT, nowMs: 2_500 }).refusal?.result).toBe(
      'too_late',
    );
  });

  test.each([
    [{ modulation: { kind: 'fsk', bitRate: 50_000 } }, 'unknown'],
    [{ modulation: { ...REQUEST.modulation, spreadingFactor: 5 } }, 'unknown'],
    [{ modulation: { ...REQUEST.modulation, bandwidthHz: 812_000 } }, 'unknown'],
    [{ phyPayload: new Uint8Array(254) }, 'unknown'],
    [{ time: { kind: 'gps', gpsTimeMs: 1 } }, 'gps_unlocked'],
  ])('refuses %j', (change, result) => {
    const request = { ...REQUEST, ...change } as TxRequest;
    const { refusal } = planTransmission(request, CONTEXT);
    expect(refusal?.result).toBe(result);
    expect(refusal?.detail).toBeTruthy();
  });
});
