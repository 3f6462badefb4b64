/** Modulation of a data rate. */
export type DataRate =
  | {
      readonly kind: 'lora';
      readonly spreadingFactor: number;
      readonly bandwidthHz: number;
      /** "4/5" … "4/8", long-interleaved "4/5LI" … in 2.4 GHz. */
      readonly codingRate: string;
    }
  | { readonly kind: 'fsk'; readonly bitRate: number }
  | {
      readonly kind: 'lrfhss';
      readonly modulationType: number;
      readonly operatingChannelWidthHz: number;
      readonly codingRate: string;
    };

/** Whether two data rates are the same on air. The coding rate counts only if `strictCodingRate`. */
export function sameDataRate(a: DataRate, b: DataRate, strictCodingRate: boolean): boolean {
  switch (a.kind) {
    case 'lora':
      return (
        b.kind === 'lora' &&
        a.spreadingFactor === b.spreadingFactor &&
        a.bandwidthHz === b.bandwidthHz &&
        (!strictCodingRate || a.codingRate === b.codingRate)
      );
    case 'fsk':
      return b.kind === 'fsk' && a.bitRate === b.bitRate;
    case 'lrfhss':
      return (
        b.kind === 'lrfhss' &&
        a.modulationType === b.modulationType &&
        a.operatingChannelWidthHz === b.operatingChannelWidthHz &&
        a.codingRate === b.codingRate
      );
  }
}

/** Short name, as users know it: `SF7BW125`, `FSK50`, `M0CW137CR1/3`. */
export function dataRateName(dataRate: DataRate): string {
  switch (dataRate.kind) {
    case 'lora':
      return `SF${dataRate.spreadingFactor}BW${dataRate.bandwidthHz / 1000}`;
    case 'fsk':
      return `FSK${dataRate.bitRate / 1000}`;
    case 'lrfhss':
      return `M${dataRate.modulationType}CW${dataRate.operatingChannelWidthHz / 1000}CR${dataRate.codingRate}`;
  }
}

const FLOOR_125_KHZ_DB: Readonly<Record<number, number>> = {
  6: -5,
  7: -7.5,
  8: -10,
  9: -12.5,
  10: -15,
  11: -17.5,
  12: -20,
};
const FLOOR_SHIFT_DB: Readonly<Record<number, number>> = { 125000: 0, 250000: 3, 500000: 6 };

/** SNR below which LoRa cannot be demodulated; undefined for combinations without a published value. */
export function demodulationFloorDb(
  spreadingFactor: number,
  bandwidthHz: number,
): number | undefined {
  const floor = FLOOR_125_KHZ_DB[spreadingFactor];
  const shift = FLOOR_SHIFT_DB[bandwidthHz];
  return floor === undefined || shift === undefined ? undefined : floor + shift;
}
