import type { GatewayStatus } from '../../base/gateway-link.ts';
import {
  isObject,
  type JsonObject,
  lenientInteger,
  lenientMeasurement,
  lenientNumber,
  lenientTimeMs,
} from './lenient.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Values gateways add in their own words, passed on as text. */
const OWN_WORDS = 'boot pfrm desc mail fpga dsp hal'.split(' ');
/** Numbers beyond the protocol that are known by these names elsewhere too. */
const FURTHER_NUMBERS = ['lpps', 'lmnw', 'lmst', 'lmok'];
const LONGEST_WORD = 128;
/** No gateway is higher above or further below the sea, in metres. */
const HIGHEST_M = 100_000;

/** Positions of examples and of receivers without a fix; a gateway there is at sea or has not been set up. */
const PLACEHOLDER_POSITIONS = [
  [0, 0],
  [10, 20],
] as const;

function isPlaceholder(latitude: number, longitude: number): boolean {
  return PLACEHOLDER_POSITIONS.some(
    ([lat, lon]) => Math.abs(latitude - lat) < 0.001 && Math.abs(longitude - lon) < 0.001,
  );
}

function readPosition(stat: JsonObject, status: Mutable<GatewayStatus>): void {
  const latitude = lenientNumber(stat.lati);
  const longitude = lenientNumber(stat.long);
  if (latitude === undefined || longitude === undefined) return;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return;
  if (isPlaceholder(latitude, longitude)) return;
  status.latitude = latitude;
  status.longitude = longitude;
  const altitudeM = lenientMeasurement(stat.alti, -HIGHEST_M, HIGHEST_M);
  if (altitudeM !== undefined) status.altitudeM = altitudeM;
}

function ownWords(stat: JsonObject): Readonly<Record<string, string>> | undefined {
  const versions: Record<string, string> = {};
  const keep = (name: string, value: unknown): void => {
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const text = String(value).slice(0, LONGEST_WORD);
    if (text !== '') versions[name] = text;
  };
  for (const name of OWN_WORDS) keep(name, stat[name]);
  if (isObject(stat.hver)) {
    for (const name of ['fpga', 'dsp0', 'dsp1']) keep(`hver.${name}`, stat.hver[name]);
  }
  return Object.keys(versions).length > 0 ? versions : undefined;
}

function furtherMetrics(stat: JsonObject): Readonly<Record<string, number>> | undefined {
  const metrics: Record<string, number> = {};
  for (const name of FURTHER_NUMBERS) {
    const value = lenientNumber(stat[name]);
    if (value !== undefined) metrics[name] = value;
  }
  return Object.keys(metrics).length > 0 ? metrics : undefined;
}

/** Reads the `stat` object of a PUSH_DATA; what cannot be read is left out. */
export function parseStat(stat: JsonObject, gatewayEui: string): GatewayStatus {
  const status: Mutable<GatewayStatus> = { gatewayEui };
  const count = (value: unknown): number | undefined => lenientInteger(value, 0, 0xffff_ffff);
  const gatewayTimeMs = lenientTimeMs(stat.time);
  if (gatewayTimeMs !== undefined) status.gatewayTimeMs = gatewayTimeMs;
  const receivedCount = count(stat.rxnb);
  if (receivedCount !== undefined) status.receivedCount = receivedCount;
  const receivedOkCount = count(stat.rxok);
  if (receivedOkCount !== undefined) status.receivedOkCount = receivedOkCount;
  const forwardedCount = count(stat.rxfw);
  if (forwardedCount !== undefined) status.forwardedCount = forwardedCount;
  const acknowledgedPercent = lenientMeasurement(stat.ackr, 0, 100);
  if (acknowledgedPercent !== undefined) status.acknowledgedPercent = acknowledgedPercent;
  const downlinkReceivedCount = count(stat.dwnb);
  if (downlinkReceivedCount !== undefined) status.downlinkReceivedCount = downlinkReceivedCount;
  const transmittedCount = count(stat.txnb);
  if (transmittedCount !== undefined) status.transmittedCount = transmittedCount;
  const temperatureCelsius = lenientMeasurement(stat.temp, -273.15, 1_000);
  if (temperatureCelsius !== undefined) status.temperatureCelsius = temperatureCelsius;
  readPosition(stat, status);
  const further = furtherMetrics(stat);
  if (further !== undefined) status.furtherMetrics = further;
  const versions = ownWords(stat);
  if (versions !== undefined) status.versions = versions;
  return status;
}
