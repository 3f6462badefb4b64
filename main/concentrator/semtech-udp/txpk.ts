import { outputPowerDbm, type TxRequest } from '../../base/gateway-link.ts';
import { poweFromEirp } from './power.ts';

/** The JSON object of a PULL_RESP. */
export interface Txpk {
  readonly imme?: true;
  /** Concentrator counter at the begin of the frame, µs. */
  readonly tmst?: number;
  /** GPS time of transmission, ms since 1980-01-06. */
  readonly tmms?: number;
  /** MHz. */
  readonly freq: number;
  readonly rfch: number;
  /** dBm. */
  readonly powe: number;
  readonly modu: 'LORA' | 'FSK';
  readonly datr: string | number;
  readonly codr?: string;
  /** FSK deviation, Hz. */
  readonly fdev?: number;
  readonly ipol: boolean;
  readonly ncrc: boolean;
  readonly size: number;
  /** Padded base64. */
  readonly data: string;
  readonly brd?: number;
  readonly ant?: number;
}

type TimePart = Pick<Txpk, 'imme' | 'tmst' | 'tmms'>;
type DataRatePart = Pick<Txpk, 'modu' | 'datr' | 'codr' | 'fdev'>;

function timePart(time: TxRequest['time']): TimePart {
  switch (time.kind) {
    case 'immediate':
      return { imme: true };
    case 'timestamp':
      return { tmst: time.concentratorTimestampUs >>> 0 };
    case 'gps':
      return { tmms: Math.round(time.gpsTimeMs) };
  }
}

function dataRatePart(modulation: TxRequest['modulation']): DataRatePart | undefined {
  switch (modulation.kind) {
    case 'lora': {
      const datr = `SF${modulation.spreadingFactor}BW${modulation.bandwidthHz / 1000}`;
      return { modu: 'LORA', datr, codr: modulation.codingRate };
    }
    case 'fsk':
      return {
        modu: 'FSK',
        datr: modulation.bitRate,
        fdev: Math.round(modulation.bitRate / 2),
      };
    case 'lrfhss':
      return undefined;
  }
}

/**
 * The `txpk` for a transmit request; undefined for LR-FHSS, which no gateway transmits. The preamble is left to the
 * forwarder, whose default is LoRaWAN's.
 */
export function txpkFromRequest(request: TxRequest): Txpk | undefined {
  const dataRate = dataRatePart(request.modulation);
  if (dataRate === undefined) return undefined;
  const { phyPayload } = request;
  return {
    ...timePart(request.time),
    // A quotient of two integers is the double next to its decimal, so it prints with at most six decimals.
    freq: Math.round(request.frequencyHz) / 1_000_000,
    rfch: 0,
    powe: poweFromEirp(outputPowerDbm(request)),
    ...dataRate,
    ipol: request.invertPolarization,
    ncrc: !request.payloadCrc,
    size: phyPayload.length,
    data: Buffer.from(phyPayload.buffer, phyPayload.byteOffset, phyPayload.length).toString(
      'base64',
    ),
    ...(request.antennaIndex > 0 ? { brd: 0, ant: request.antennaIndex } : {}),
  };
}
