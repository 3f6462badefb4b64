import type {
  AntennaReception,
  CrcStatus,
  GatewayUplink,
  Modulation,
} from '../../base/gateway-link.ts';
import {
  excerpt,
  isObject,
  type JsonObject,
  lenientBase64,
  lenientInteger,
  lenientMeasurement,
  lenientNumber,
  lenientTimeMs,
} from './lenient.ts';

/** Told about everything that could not be used: reason of a code, and a sentence. */
export type Complain = (reason: string, detail: string) => void;

/** Most bytes a LoRa or FSK frame can have. */
const LONGEST_FRAME = 255;
const MOST_ANTENNAS = 16;
const HIGHEST_FREQUENCY_HZ = 10_000_000_000;
/** Levels beyond these, in dBm and dB, and offsets in Hz are no measurements. */
const MOST_DBM = 1_000;
const MOST_OFFSET_HZ = 100_000_000;
/** GPS times from the year 9900 on cannot be written as text with a year of four digits. */
const LATEST_GPS_MS = 250_000_000_000_000;

const LORA_DATA_RATE = /^SF(\d{1,2})\s*BW(\d{1,4}(?:\.\d{1,3})?)$/i;
const LR_FHSS_DATA_RATE = /^M(\d{1,2})CW(\d{1,4}(?:\.\d{1,3})?)$/i;
const LORA_CODING_RATE = /^4\/[5-8](?:LI)?$/;
/** Gateways print the coding rates of LR-FHSS in steps of LoRa's. */
const LR_FHSS_CODING_RATE: Readonly<Record<string, string>> = {
  '4/6': '2/3',
  '4/8': '1/2',
  '2/6': '1/3',
};

function loraModulation(rxpk: JsonObject, complain: Complain): Modulation | undefined {
  const match = LORA_DATA_RATE.exec(typeof rxpk.datr === 'string' ? rxpk.datr.trim() : '');
  const spreadingFactor = Number(match?.[1]);
  const bandwidthHz = Math.round(Number(match?.[2]) * 1000);
  if (!match || spreadingFactor < 5 || spreadingFactor > 12 || bandwidthHz === 0) {
    complain('bad_data_rate', `${excerpt(rxpk.datr)} is no LoRa data rate such as "SF7BW125".`);
    return undefined;
  }
  // LoRaWAN fixes 4/5; old forwarders say nothing or OFF.
  let codingRate = '4/5';
  if (typeof rxpk.codr === 'string' && LORA_CODING_RATE.test(rxpk.codr)) codingRate = rxpk.codr;
  else if (rxpk.codr !== undefined && rxpk.codr !== 'OFF') {
    complain('bad_coding_rate', `${excerpt(rxpk.codr)} is no LoRa coding rate; took 4/5.`);
  }
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate };
}

function lrFhssModulation(rxpk: JsonObject, complain: Complain): Modulation | undefined {
  const match = LR_FHSS_DATA_RATE.exec(typeof rxpk.datr === 'string' ? rxpk.datr.trim() : '');
  if (!match) {
    complain('bad_data_rate', `${excerpt(rxpk.datr)} is no LR-FHSS data rate such as "M0CW137".`);
    return undefined;
  }
  const printed = typeof rxpk.codr === 'string' ? rxpk.codr.slice(0, 8) : '';
  return {
    kind: 'lrfhss',
    modulationType: Number(match[1]),
    operatingChannelWidthHz: Math.round(Number(match[2]) * 1000),
    codingRate: LR_FHSS_CODING_RATE[printed] ?? (printed || '1/3'),
  };
}

function modulationOf(rxpk: JsonObject, complain: Complain): Modulation | undefined {
  const named = typeof rxpk.modu === 'string' ? rxpk.modu.trim().toUpperCase() : undefined;
  const dataRate = typeof rxpk.datr === 'string' ? rxpk.datr.trim() : rxpk.datr;
  const bitRate = lenientInteger(dataRate, 1, 1_000_000);
  const isFsk = named === 'FSK' || (named === undefined && bitRate !== undefined);
  if (isFsk) {
    if (bitRate !== undefined) return { kind: 'fsk', bitRate };
    complain('bad_data_rate', `${excerpt(rxpk.datr)} is no FSK bit rate.`);
    return undefined;
  }
  const looksLrFhss = typeof dataRate === 'string' && LR_FHSS_DATA_RATE.test(dataRate);
  if (named === 'LR-FHSS' || (named === undefined && looksLrFhss)) {
    return lrFhssModulation(rxpk, complain);
  }
  if (named === undefined || named === 'LORA') return loraModulation(rxpk, complain);
  complain('unknown_modulation', `${excerpt(rxpk.modu)} is no modulation this program knows.`);
  return undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads one antenna's values; `channelRssi` names where the channel RSSI stands. */
function antennaOf(
  source: JsonObject,
  channelRssi: 'rssi' | 'rssic',
  fallbackIndex: number,
): AntennaReception {
  const antenna: Mutable<AntennaReception> = {
    antennaIndex: lenientInteger(source.ant, 0, 255) ?? fallbackIndex,
  };
  const level = (value: unknown): number | undefined =>
    lenientMeasurement(value, -MOST_DBM, MOST_DBM);
  const channelRssiDbm = level(source[channelRssi]);
  if (channelRssiDbm !== undefined) antenna.channelRssiDbm = channelRssiDbm;
  const signalRssiDbm = level(source.rssis);
  if (signalRssiDbm !== undefined) antenna.signalRssiDbm = signalRssiDbm;
  const snrDb = level(source.lsnr);
  if (snrDb !== undefined) antenna.snrDb = snrDb;
  const frequencyOffsetHz = lenientMeasurement(source.foff, -MOST_OFFSET_HZ, MOST_OFFSET_HZ);
  if (frequencyOffsetHz !== undefined) antenna.frequencyOffsetHz = Math.round(frequencyOffsetHz);
  const fineTimestampNs = lenientInteger(source.ftime, 0, 999_999_999);
  if (fineTimestampNs !== undefined) antenna.fineTimestampNs = fineTimestampNs;
  const ifChannel = lenientInteger(source.chan, 0, 255);
  if (ifChannel !== undefined) antenna.ifChannel = ifChannel;
  const rfChain = lenientInteger(source.rfch, 0, 255);
  if (rfChain !== undefined) antenna.rfChain = rfChain;
  return antenna;
}

function byStrength(a: AntennaReception, b: AntennaReception): number {
  const rssi = (antenna: AntennaReception): number =>
    antenna.signalRssiDbm ?? antenna.channelRssiDbm ?? -1000;
  return (b.snrDb ?? -1000) - (a.snrDb ?? -1000) || rssi(b) - rssi(a);
}

function antennasOf(rxpk: JsonObject, complain: Complain): readonly AntennaReception[] {
  if (!Array.isArray(rxpk.rsig)) return [antennaOf(rxpk, 'rssi', 0)];
  const entries: readonly unknown[] = rxpk.rsig;
  if (entries.length > MOST_ANTENNAS) {
    complain('too_many_antennas', `${entries.length} antennas; used the first ${MOST_ANTENNAS}.`);
  }
  const antennas = entries
    .slice(0, MOST_ANTENNAS)
    .filter(isObject)
    .map((entry, index) => {
      const antenna = antennaOf(entry, 'rssic', index);
      const rfChain = antenna.rfChain ?? lenientInteger(rxpk.rfch, 0, 255);
      return rfChain === undefined ? antenna : { ...antenna, rfChain };
    });
  if (antennas.length === 0) return [antennaOf(rxpk, 'rssi', 0)];
  return antennas.sort(byStrength);
}

function crcOf(rxpk: JsonObject, complain: Complain): CrcStatus | undefined {
  if (rxpk.stat === undefined) return undefined;
  switch (lenientNumber(rxpk.stat)) {
    case 1:
      return 'ok';
    case -1:
      return 'bad';
    case 0:
      return 'none';
    default:
      complain('bad_crc_status', `${excerpt(rxpk.stat)} is no CRC status (1, 0 or -1).`);
      return undefined;
  }
}

function payloadOf(rxpk: JsonObject, complain: Complain): Uint8Array | undefined {
  const payload = lenientBase64(rxpk.data);
  if (payload === undefined) {
    complain('bad_data', `${excerpt(rxpk.data)} is no base64 text.`);
    return undefined;
  }
  if (payload.length === 0 || payload.length > LONGEST_FRAME) {
    complain('bad_length', `A frame cannot have ${payload.length} bytes.`);
    return undefined;
  }
  const size = lenientNumber(rxpk.size);
  if (size !== undefined && size !== payload.length) {
    complain('size_mismatch', `size says ${size}, the data has ${payload.length} bytes.`);
  }
  return payload;
}

/**
 * Reads one `rxpk` object: undefined when frame, frequency, data rate or counter are missing; everything else that
 * cannot be read is left out and complained about.
 */
export function parseRxpk(
  rxpk: unknown,
  gatewayEui: string,
  complain: Complain,
): GatewayUplink | undefined {
  if (!isObject(rxpk)) {
    complain('bad_rxpk', `${excerpt(rxpk)} is no rxpk object.`);
    return undefined;
  }
  const phyPayload = payloadOf(rxpk, complain);
  if (phyPayload === undefined) return undefined;
  const modulation = modulationOf(rxpk, complain);
  if (modulation === undefined) return undefined;
  const frequencyHz = Math.round((lenientNumber(rxpk.freq) ?? 0) * 1_000_000);
  if (frequencyHz <= 0 || frequencyHz > HIGHEST_FREQUENCY_HZ) {
    complain('bad_frequency', `${excerpt(rxpk.freq)} is no frequency in MHz.`);
    return undefined;
  }
  const counter = lenientInteger(rxpk.tmst, -0x8000_0000, 0xffff_ffff);
  if (counter === undefined) {
    complain('bad_timestamp', `${excerpt(rxpk.tmst)} is no 32-bit counter in tmst.`);
    return undefined;
  }
  const uplink: Mutable<GatewayUplink> = {
    gatewayEui,
    phyPayload,
    frequencyHz,
    modulation,
    // Some forwarders print the unsigned counter as a signed number.
    concentratorTimestampUs: counter >>> 0,
    antennas: antennasOf(rxpk, complain),
  };
  const crc = crcOf(rxpk, complain);
  if (crc !== undefined) uplink.crc = crc;
  const gatewayTimeMs = lenientTimeMs(rxpk.time);
  if (gatewayTimeMs !== undefined) uplink.gatewayTimeMs = gatewayTimeMs;
  const gpsTimeMs = lenientInteger(rxpk.tmms, 1, LATEST_GPS_MS);
  if (gpsTimeMs !== undefined) uplink.gpsTimeMs = gpsTimeMs;
  return uplink;
}
