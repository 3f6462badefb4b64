import { describe, expect, it } from 'vitest';
import { timeOnAirUs } from './airtime.ts';
import type { DataRate } from './regional/index.ts';

function lora(spreadingFactor: number, bandwidthHz = 125_000, codingRate = '4/5'): DataRate {
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate };
}

describe('timeOnAirUs', () => {
  /** Worked by hand: (12.25 + 8 + 5 × blocks) symbols of 2^SF / 125 kHz. */
  it.each([
    [7, 13, 46_336],
    [7, 51, 102_656],
    [8, 13, 82_432],
    [9, 13, 164_864],
    [10, 13, 288_768],
    [11, 13, 577_536],
    [12, 13, 1_155_072],
    [12, 51, 2_465_792],
  ])('SF%i at 125 kHz with %i bytes is %i µs', (spreadingFactor, bytes, expected) => {
    expect(timeOnAirUs(lora(spreadingFactor), bytes)).toBe(expected);
  });

  it('scales with bandwidth and uses no low data rate optimization above 125 kHz', () => {
    expect(timeOnAirUs(lora(7, 250_000), 13)).toBe(23_168);
    expect(timeOnAirUs(lora(7, 500_000), 13)).toBe(11_584);
    expect(timeOnAirUs(lora(12, 500_000), 13)).toBe(288_768);
  });

  it('grows with the coding rate', () => {
    expect(timeOnAirUs(lora(7, 125_000, '4/8'), 13)).toBe(61_696);
  });

  it('counts preamble, sync word, length and CRC of FSK', () => {
    expect(timeOnAirUs({ kind: 'fsk', bitRate: 50_000 }, 20)).toBe(4_960);
  });

  it('counts headers and blocks of LR-FHSS', () => {
    const rate = (codingRate: string): DataRate => ({
      kind: 'lrfhss',
      modulationType: 0,
      operatingChannelWidthHz: 137_000,
      codingRate,
    });
    expect(timeOnAirUs(rate('1/3'), 20)).toBe(3 * 233_472 + 12 * 102_400);
    expect(timeOnAirUs(rate('2/3'), 20)).toBe(2 * 233_472 + 6 * 102_400);
  });

  it('knows long-interleaved LoRa of 2.4 GHz', () => {
    const rate = lora(12, 812_000, '4/8LI');
    const symbols = 8 + 4.25 + 8 + Math.ceil(((8 * 20 + 16 - 16) / 40) * 8);
    expect(timeOnAirUs(rate, 20)).toBe(Math.round((symbols * 4096 * 1e6) / 812_000));
  });
});
