import type { DataRate } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';

/** `868.100 MHz`; more digits only where the frequency has them. */
export function formatFrequency(hz: bigint | number): string {
  const value = Number(hz);
  if (value === 0) return '–';
  const digits = value % 1000 === 0 ? 3 : value % 100 === 0 ? 4 : 6;
  return `${(value / 1e6).toFixed(digits)} MHz`;
}

function bandwidthText(bandwidthHz: number): string {
  return String(bandwidthHz / 1000);
}

/** `SF7BW125`, `FSK 50 kbit/s`, `LR-FHSS …`. */
export function formatModulation(rate: DataRate | undefined): string {
  const modulation = rate?.modulation;
  switch (modulation?.case) {
    case 'lora':
      return `SF${modulation.value.spreadingFactor}BW${bandwidthText(modulation.value.bandwidth)}`;
    case 'fsk':
      return `FSK ${modulation.value.bitRate / 1000} kbit/s`;
    case 'lrfhss':
      return `LR-FHSS ${modulation.value.operatingChannelWidth / 1000} kHz`;
    case undefined:
      return '';
  }
}

/** `DR5 · SF7BW125`: the index means nothing without the band, so both are shown. */
export function formatDataRate(rate: DataRate | undefined, index: number | undefined): string {
  const modulation = formatModulation(rate);
  if (index === undefined) return modulation === '' ? '–' : modulation;
  return modulation === '' ? `DR${index}` : `DR${index} · ${modulation}`;
}

/** Minus sign instead of hyphen would break copying; the plain one stays. */
export function formatDbm(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value)} dBm`;
}

export function formatDb(value: number | undefined): string {
  return value === undefined ? '–' : `${trimZero(value)} dB`;
}

function trimZero(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** `61.7 ms`, `1.32 s` from microseconds. */
export function formatAirtime(us: number): string {
  if (us === 0) return '–';
  return us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1e6).toFixed(2)} s`;
}

/** MHz as typed, with comma or point, to Hz; undefined if it is no usable frequency. */
export function parseMegahertz(text: string): number | undefined {
  const value = Number(text.trim().replace(',', '.'));
  if (!Number.isFinite(value) || value < 100 || value > 3000) return undefined;
  return Math.round(value * 1e6);
}
