import type { DataRate } from './regional/data-rate.ts';

/** Bytes an FSK frame has besides its payload: 5 preamble, 3 sync word, 1 length, 2 CRC. */
const FSK_OVERHEAD_BYTES = 11;
const LORA_2400_MIN_BANDWIDTH_HZ = 203_125;
const LR_FHSS_HEADER_US = 233_472;
const LR_FHSS_BLOCK_US = 102_400;

const CODING_RATE_SYMBOLS: Readonly<Record<string, number>> = {
  '4/5': 5,
  '4/6': 6,
  '4/7': 7,
  '4/8': 8,
  '4/5LI': 5,
  '4/6LI': 6,
  '4/8LI': 8,
};

type LoraDataRate = Extract<DataRate, { readonly kind: 'lora' }>;
type LrFhssDataRate = Extract<DataRate, { readonly kind: 'lrfhss' }>;

/** Bandwidths of the 2.4 GHz chips; below 1 GHz there are only 125, 250 and 500 kHz. */
function isLora2400(dataRate: LoraDataRate): boolean {
  const { bandwidthHz } = dataRate;
  return (
    bandwidthHz >= LORA_2400_MIN_BANDWIDTH_HZ && bandwidthHz !== 250_000 && bandwidthHz !== 500_000
  );
}

/** With 8 preamble symbols, explicit header and payload CRC (SX1301 and SX1276 data sheets). */
function loraSymbols(dataRate: LoraDataRate, bytes: number): number {
  const { spreadingFactor, bandwidthHz, codingRate } = dataRate;
  const lowDataRateOptimization = bandwidthHz === 125_000 && spreadingFactor >= 11 ? 2 : 0;
  const bits = 8 * bytes - 4 * spreadingFactor + 28 + 16;
  const blocks = Math.ceil(bits / (4 * (spreadingFactor - lowDataRateOptimization)));
  return 12.25 + 8 + Math.max(0, blocks * (CODING_RATE_SYMBOLS[codingRate] ?? 5));
}

/** Long-interleaved LoRa of the SX1280. */
function lora2400Symbols(dataRate: LoraDataRate, bytes: number): number {
  const { spreadingFactor, codingRate } = dataRate;
  const short = spreadingFactor < 7;
  const preamble = 8 + (short ? 6.25 : 4.25);
  const headerBits = Math.floor((spreadingFactor - (short ? 5 : 7)) / 2) * 8;
  const bits = 8 * bytes + 16 - Math.min(headerBits, 8 * bytes);
  const bitsPerBlock = 4 * (spreadingFactor > 10 ? spreadingFactor - 2 : spreadingFactor);
  return preamble + 8 + Math.ceil((bits / bitsPerBlock) * (CODING_RATE_SYMBOLS[codingRate] ?? 8));
}

function lrFhssTimeOnAirUs(dataRate: LrFhssDataRate, bytes: number): number {
  const robust = dataRate.codingRate === '1/3';
  const headers = robust ? 3 : 2;
  const bytesPerBlock = robust ? 2 : 4;
  return headers * LR_FHSS_HEADER_US + Math.ceil((bytes + 3) / bytesPerBlock) * LR_FHSS_BLOCK_US;
}

/** Time a frame occupies the air, in microseconds, preamble included. */
export function timeOnAirUs(dataRate: DataRate, phyPayloadBytes: number): number {
  switch (dataRate.kind) {
    case 'lora': {
      const symbols = isLora2400(dataRate)
        ? lora2400Symbols(dataRate, phyPayloadBytes)
        : loraSymbols(dataRate, phyPayloadBytes);
      return Math.round((symbols * 2 ** dataRate.spreadingFactor * 1e6) / dataRate.bandwidthHz);
    }
    case 'fsk':
      return Math.round(((phyPayloadBytes + FSK_OVERHEAD_BYTES) * 8 * 1e6) / dataRate.bitRate);
    case 'lrfhss':
      return lrFhssTimeOnAirUs(dataRate, phyPayloadBytes);
  }
}
