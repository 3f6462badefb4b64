import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { GatehouseError } from '../base/errors.ts';
import type { IdentityRegistry } from './identity.ts';
import { isPathSet, mergeByPaths } from './masks.ts';
import { EXPORTED_PATHS } from './registration.ts';
import type { ServerRegistry } from './server-registry.ts';

/** Reads what all registries together know of devices. */
export interface WholeDevices {
  /**
   * Devices of an application by their ids, from behind one of them, as a registration would take them.
   *
   * @param includeKeys root and session keys, and the ids of sessions' keys
   */
  wholeDevicesAfter(
    applicationId: string,
    deviceId: string,
    limit: number,
    includeKeys: boolean,
  ): Promise<EndDevice[]>;
}

interface Registries {
  readonly identity: IdentityRegistry;
  readonly join: ServerRegistry;
  readonly network: ServerRegistry;
  readonly application: ServerRegistry;
}

const isKeyPath = (path: string): boolean =>
  path.startsWith('root_keys.') || path.startsWith('session.keys.');

async function addPart(
  whole: EndDevice,
  server: ServerRegistry,
  paths: readonly string[],
): Promise<void> {
  try {
    const part = whole.ids && (await server.get(whole.ids, paths));
    if (!part) return;
    const known = paths.filter((path) => isPathSet(EndDeviceSchema, part, path));
    mergeByPaths(EndDeviceSchema, whole, part, known);
  } catch (error) {
    // A device may exist in any subset of the registries.
    if (!(error instanceof GatehouseError) || error.status !== 'NOT_FOUND') throw error;
  }
}

export function createWholeDevices(registries: Registries): WholeDevices {
  const servers = ['join', 'network', 'application'] as const;
  return {
    async wholeDevicesAfter(applicationId, deviceId, limit, includeKeys) {
      const devices = await registries.identity.listAfter(applicationId, deviceId, limit);
      for (const device of devices) {
        for (const server of servers) {
          const paths = EXPORTED_PATHS[server].filter((path) => includeKeys || !isKeyPath(path));
          await addPart(device, registries[server], paths);
        }
        // What was sent lately is in the frame log, and none of a registration.
        if (device.macState)
          Object.assign(device.macState, { recentUplinks: [], recentDownlinks: [] });
        // Times of this registration are none of the next one.
        delete device.createdAt;
        delete device.updatedAt;
      }
      return devices;
    },
  };
}
