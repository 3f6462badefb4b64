import { expect, test } from 'vitest';
import { LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { locationIn } from './payload-location.ts';

const gps = (latitude: number, longitude: number, altitude = 0, accuracy = 0) => ({
  latitude,
  longitude,
  altitude,
  accuracy,
  source: LocationSource.SOURCE_GPS,
});

test.each([
  [{ lat: 51.5, lon: 5.25, alt: 20.9 }, gps(51.5, 5.25, 20)],
  [{ lat: 51.5, lng: 5.25 }, gps(51.5, 5.25)],
  [{ lat: 51.5, long: 5.25, hdop: 1.7, acc: 3.9 }, gps(51.5, 5.25, 0, 3)],
  [{ latitude: -51.5, longitude: -5.25, altitude: -3.7 }, gps(-51.5, -5.25, -3)],
  [{ Latitude: 51.5, Longitude: 5.25, Altitude: 7 }, gps(51.5, 5.25, 7)],
  [{ latitudeDeg: 51.5, longitudeDeg: 5.25, height: 8 }, gps(51.5, 5.25, 8)],
  [{ gps_lat: 51.5, gps_lng: 5.25, gpsalt: 9, gps_hdop: 2.5 }, gps(51.5, 5.25, 9, 2)],
])('a pair of the usual names is a location: %j', (data, expected) => {
  expect(locationIn(data)).toMatchObject(expected);
});

test('an object gps_<n>, as CayenneLPP gives it, goes first and may be zero', () => {
  const data = { lat: 1, lon: 2, acc: 3, gps_1: { latitude: 51.5, longitude: 0, altitude: 20.5 } };
  expect(locationIn(data)).toMatchObject(gps(51.5, 0, 20));
  expect(locationIn({ gps_9: {} })).toMatchObject(gps(0, 0));
});

test.each([
  [{}],
  [{ lat: 0, lon: 0 }],
  [{ lat: 51.5 }],
  [{ lat: '51.5', lon: '5.25' }],
  [{ gps_x: { latitude: 51.5, longitude: 5.25 } }],
  [{ lat: 515_000_000, lon: 52_500_000 }],
])('no location is made of %j', (data) => {
  expect(locationIn(data)).toBeUndefined();
});
