import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { DevEui, JoinEui } from '../lorawan/index.ts';
import {
  createBoundedCache,
  type DeviceRow,
  type DeviceTable,
  type Store,
} from '../store/index.ts';
import { decodeDevice, type RegistryChange } from './context.ts';
import { type RootKeyPair, unpackRootKeys } from './join.ts';

/** A registered device as a server reads it. The message is shared: it must not be changed. */
export interface RegisteredDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly devEui?: DevEui;
  readonly joinEui?: JoinEui;
  /** Without sessions, keys and counters. */
  readonly message: EndDevice;
}

/** A device of the join registry with its root keys. */
export interface JoinDevice extends RegisteredDevice {
  readonly rootKeys: RootKeyPair;
  readonly rootKeyId: string;
}

/** Synchronous reads for the servers' hot path. */
export interface DeviceReader {
  networkDeviceById(row: number): RegisteredDevice | undefined;
  networkDeviceByEuis(joinEui: JoinEui, devEui: DevEui): RegisteredDevice | undefined;
  networkDeviceByIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
  /** Devices of the network registry with this DevEUI, whatever their JoinEUI. */
  networkDevicesByDevEui(devEui: DevEui): readonly RegisteredDevice[];
  joinDeviceByEuis(joinEui: JoinEui, devEui: DevEui): JoinDevice | undefined;
  /** Devices of the join registry with this DevEUI, whatever their JoinEUI; for explaining, not for joining. */
  joinDevicesByDevEui(devEui: DevEui): readonly RegisteredDevice[];
  applicationDeviceByIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
  identityDeviceByIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
}

/** Decoded devices kept per registry. */
const KEPT_DEVICES = 5_000;

function registered(row: DeviceRow): RegisteredDevice {
  return {
    row: row.row,
    applicationId: row.applicationId,
    deviceId: row.deviceId,
    message: decodeDevice(row),
    ...(row.devEui && { devEui: row.devEui }),
    ...(row.joinEui && { joinEui: row.joinEui }),
  };
}

interface CachedTable {
  byRow(row: number): RegisteredDevice | undefined;
  byIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
  forget(change: RegistryChange): void;
  clear(): void;
}

/** Keeps decoded devices by row and by ids until they change. */
function cachedTable(table: DeviceTable): CachedTable {
  const nameOf = (device: Pick<RegisteredDevice, 'applicationId' | 'deviceId'>): string =>
    `${device.applicationId}.${device.deviceId}`;
  // Rows by name, of exactly the devices that are kept: one that has none here, as a new one, needs no forgetting.
  const names = new Map<string, number>();
  const rows = createBoundedCache<number, RegisteredDevice>(
    KEPT_DEVICES,
    (_, device) => void names.delete(nameOf(device)),
  );
  const keep = (stored: DeviceRow | undefined): RegisteredDevice | undefined => {
    if (!stored) return undefined;
    const device = registered(stored);
    rows.set(device.row, device);
    names.set(nameOf(device), device.row);
    return device;
  };
  return {
    byRow: (row) => rows.get(row) ?? keep(table.get(row)),
    byIds(applicationId, deviceId) {
      const row = names.get(nameOf({ applicationId, deviceId }));
      const known = row === undefined ? undefined : rows.get(row);
      return known ?? keep(table.getByIds(applicationId, deviceId));
    },
    forget(change) {
      const name = nameOf(change);
      const row = names.get(name);
      if (row === undefined) return;
      names.delete(name);
      rows.delete(row);
    },
    clear() {
      rows.clear();
      names.clear();
    },
  };
}

/** Reads devices through bounded caches. `changed` has to be told of every change. */
export function createDeviceReader(store: Store): {
  readonly reader: DeviceReader;
  readonly changed: (change: RegistryChange) => void;
} {
  const network = cachedTable(store.networkDevices);
  const application = cachedTable(store.applicationDevices);
  const identity = cachedTable(store.identityDevices);
  store.onRollback(network.clear);
  store.onRollback(application.clear);
  store.onRollback(identity.clear);
  return {
    reader: {
      networkDeviceById: network.byRow,
      networkDeviceByIds: network.byIds,
      networkDeviceByEuis(joinEui, devEui) {
        const stored = store.networkDevices.getByEuis(joinEui, devEui);
        return stored && network.byRow(stored.row);
      },
      networkDevicesByDevEui: (devEui) =>
        store.networkDevices.listByDevEui(devEui).flatMap(({ row }) => network.byRow(row) ?? []),
      joinDeviceByEuis(joinEui, devEui) {
        const stored = store.joinDevices.getByEuis(joinEui, devEui);
        if (!stored) return undefined;
        const device = registered(stored);
        return {
          ...device,
          rootKeys: unpackRootKeys(stored.keys),
          rootKeyId: device.message.rootKeys?.rootKeyId ?? '',
        };
      },
      joinDevicesByDevEui: (devEui) => store.joinDevices.listByDevEui(devEui).map(registered),
      applicationDeviceByIds: application.byIds,
      identityDeviceByIds: identity.byIds,
    },
    changed(change) {
      if (change.registry === 'network') network.forget(change);
      if (change.registry === 'application') application.forget(change);
      if (change.registry === 'identity') identity.forget(change);
    },
  };
}
