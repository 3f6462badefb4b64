/** What the replayed commands of The Things Stack's command line have in common. */
import { expect } from 'vitest';
import type { Json } from './program-api.ts';

export const STATUS_NOT_FOUND = 5;

/** The host that the command line is configured with; it compares the addresses of a device with it. */
export const HOST = 'localhost';
export const addresses = {
  network_server_address: HOST,
  application_server_address: HOST,
  join_server_address: HOST,
};
export const addressPaths = Object.keys(addresses);

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');

export const application_ids = { application_id: 'plant' };
/** An OTAA device. */
export const pump = {
  device_id: 'pump',
  application_ids,
  dev_eui: hex('70B3D57ED0000001'),
  join_eui: hex('70B3D57ED0000000'),
};

/** What its registration says of it. */
export const pumpIdentity = {
  name: 'Pump',
  description: 'In the cellar',
  attributes: { floor: '-1' },
  ...addresses,
  version_ids: {
    brand_id: 'acme',
    model_id: 'pump-1',
    hardware_version: '1.0',
    firmware_version: '1.2',
    band_id: 'EU_863_870',
  },
  locations: {
    user: { latitude: 52.5, longitude: 4.75, altitude: -3, source: 'SOURCE_REGISTRY' },
  },
};
/** What the Network Server is told of it. */
export const pumpNetwork = {
  supports_join: true,
  supports_class_c: true,
  frequency_plan_id: 'EU_863_870',
  lorawan_version: 'MAC_V1_0_3',
  lorawan_phy_version: 'RP001_V1_0_3_REV_A',
};

export const masked = (...paths: string[]) => ({ field_mask: { paths } });

/** A time as it is on the wire. */
export const time = { seconds: expect.any(Number), nanos: expect.any(Number) };

/** An entity without its times, which the command line reads without looking whether they are there. */
export function stamped(entity: Json): Json {
  const { created_at, updated_at, ...rest } = entity;
  for (const at of [created_at, updated_at])
    expect(at).toMatchObject({ seconds: expect.any(Number) });
  return rest;
}

/** The status of a call that was refused; undefined if it was not. */
export const codeOf = (call: Promise<unknown>): Promise<number | undefined> =>
  call.then(
    () => undefined,
    (error: { code: number }) => error.code,
  );
