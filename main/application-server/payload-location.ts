import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type Location,
  LocationSchema,
  LocationSource,
} from '../api/gen/ttn/lorawan/v3/metadata_pb.js';

/** Service under which a location from a decoded payload is kept with the device. */
export const PAYLOAD_LOCATION = 'frm-payload';

/** Names of latitude, longitude and altitude that decoders use, in the order in which they are looked for. */
const NAMES = [
  ['lat', 'lon', ['alt']],
  ['lat', 'lng', ['alt']],
  ['lat', 'long', ['alt']],
  ['latitude', 'longitude', ['altitude']],
  ['Latitude', 'Longitude', ['Altitude']],
  ['latitudeDeg', 'longitudeDeg', ['altitude', 'height']],
  ['gps_lat', 'gps_lng', ['gps_alt', 'gpsalt']],
] as const;
const ACCURACIES = ['acc', 'accuracy', 'hacc', 'hdop', 'gps_hdop'] as const;

const MAX_INT32 = 0x7fffffff;

const numberAt = (data: JsonObject, name: string): number | undefined => {
  const value = data[name];
  return typeof value === 'number' ? value : undefined;
};

/** Whole metres; a value that no such field can hold counts as absent. */
function metres(value: number | undefined): number {
  const whole = Math.trunc(value ?? 0);
  return Math.abs(whole) <= MAX_INT32 ? whole : 0;
}

function locationOf(
  latitude: number,
  longitude: number,
  altitude?: number,
  accuracy?: number,
): Location | undefined {
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  return create(LocationSchema, {
    latitude,
    longitude,
    altitude: metres(altitude),
    accuracy: metres(accuracy),
    source: LocationSource.SOURCE_GPS,
  });
}

function namedLocation(data: JsonObject): Location | undefined {
  const first = (names: readonly string[]): number | undefined =>
    names.map((name) => numberAt(data, name)).find((value) => value !== undefined);
  for (const [latitudeName, longitudeName, altitudeNames] of NAMES) {
    const latitude = numberAt(data, latitudeName);
    const longitude = numberAt(data, longitudeName);
    if (latitude === undefined || longitude === undefined) continue;
    if (latitude === 0 && longitude === 0) continue;
    return locationOf(latitude, longitude, first(altitudeNames), first(ACCURACIES));
  }
  return undefined;
}

/**
 * Where a device says it is, from its decoded payload: an object `gps_<n>` as CayenneLPP gives it, or a pair of numbers with
 * one of the usual names that is not 0, 0. Undefined if there is none on Earth.
 */
export function locationIn(data: JsonObject): Location | undefined {
  for (const [name, value] of Object.entries(data)) {
    if (!/^gps_\d+$/.test(name)) continue;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const [latitude = 0, longitude = 0, altitude] = ['latitude', 'longitude', 'altitude'].map(
      (field) => numberAt(value, field),
    );
    return locationOf(latitude, longitude, altitude);
  }
  return namedLocation(data);
}
