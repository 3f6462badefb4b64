import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { ErrorFactory } from '../base/errors.ts';
import type { DeviceRow, DeviceTable } from '../store/index.ts';
import {
  answer,
  changedIdentifier,
  type DeviceIds,
  deviceIds,
  deviceRef,
  type Effects,
  type RegistryContext,
  type RegistryName,
  SERVER_PATHS,
  takenAttributes,
} from './context.ts';
import { prohibitedField, registryEuisTaken } from './errors.ts';
import { without } from './masks.ts';

/** Devices as one of the servers knows them. */
export interface ServerRegistry {
  set(device: EndDevice, paths: readonly string[]): Promise<EndDevice>;
  get(ids: EndDeviceIdentifiers, paths: readonly string[]): Promise<EndDevice>;
  delete(ids: EndDeviceIdentifiers): Promise<void>;
  /** Deletes the devices of these ids; those that are not there are skipped. */
  deleteBatch(applicationId: string, deviceIds: readonly string[]): Promise<void>;
}

/** The same calls inside a unit of work. */
export interface ServerUnit {
  /** Answers the whole device as it is stored now. */
  set(device: EndDevice, paths: readonly string[], effects: Effects): EndDevice;
  /** Answers whether there was one. */
  delete(ids: EndDeviceIdentifiers, effects: Effects): boolean;
}

/** What sets the registries of the servers apart. */
export interface ServerTable {
  readonly table: Pick<DeviceTable, 'getByIds' | 'getByEuis' | 'delete'>;
  readonly name: RegistryName;
  /** Prefix of its events: `js`, `ns` or `as`. */
  readonly prefix: string;
}

/** Deletes a device's row and tells of it. Answers whether there was one. */
export function deleteDevice(
  { table, name, prefix }: ServerTable,
  message: EndDeviceIdentifiers,
  effects: Effects,
): boolean {
  const ids = deviceIds(message);
  const row = table.getByIds(ids.applicationId, ids.deviceId);
  if (!row) return false;
  table.delete(row.row);
  effects.changed(name, row, 'delete');
  effects.event(`${prefix}.end_device.delete`, deviceRef(row));
  return true;
}

/** Deletes rows and tells of them once. */
function deleteRows(
  { table, name, prefix }: ServerTable,
  rows: readonly DeviceRow[],
  effects: Effects,
): void {
  if (rows.length === 0) return;
  for (const row of rows) {
    table.delete(row.row);
    effects.changed(name, row, 'delete');
  }
  effects.event(`${prefix}.end_device.batch.delete`, rows.map(deviceRef));
}

/** The rows of these ids that there are, each once. */
export function rowsOf(
  table: Pick<DeviceTable, 'getByIds'>,
  applicationId: string,
  ids: readonly string[],
): DeviceRow[] {
  return [...new Set(ids)].flatMap((deviceId) => table.getByIds(applicationId, deviceId) ?? []);
}

/** Refuses a second device with the same pair of EUIs. */
export function checkEuisFree({ table }: ServerTable, ids: DeviceIds): void {
  const owner = ids.joinEui && ids.devEui && table.getByEuis(ids.joinEui, ids.devEui);
  if (owner) throw registryEuisTaken(takenAttributes(owner));
}

/** Refuses a change of what names a stored device. */
export function checkSameIdentity(
  device: EndDevice,
  paths: readonly string[],
  row: DeviceRow,
  errors: { readonly fieldMask: ErrorFactory; readonly readOnlyField: ErrorFactory },
): void {
  const prohibited = paths.find((path) => path === 'ids' || path === 'ids.dev_addr');
  if (prohibited) throw errors.fieldMask({}, { cause: prohibitedField({ field: prohibited }) });
  const field = changedIdentifier(deviceIds(device.ids), row);
  if (field) throw errors.readOnlyField({ field });
}

/** A registry over its unit of work. */
export function createServerRegistry(
  context: RegistryContext,
  unit: ServerUnit,
  options: {
    readonly server: ServerTable;
    /** Checks that need nothing stored. */
    readonly check: (device: EndDevice, paths: readonly string[]) => void;
    /** The device of a row, whole as far as these paths need it. */
    readonly load: (
      context: RegistryContext,
      row: DeviceRow,
      paths: readonly string[],
    ) => EndDevice;
    /** Thrown by `get`. */
    readonly notFound: ErrorFactory;
    /** What `delete` throws, given the `device_uid`. */
    readonly nothingToDelete: (deviceUid: string) => Error;
  },
): ServerRegistry {
  const { server, check, load, notFound, nothingToDelete } = options;
  const { table } = server;
  return {
    async set(device, paths) {
      check(device, paths);
      const stored = await context.transact((effects) => unit.set(device, paths, effects));
      return answer(stored, without(paths, ...SERVER_PATHS));
    },
    async get(message, paths) {
      const ids = deviceIds(message);
      const row = table.getByIds(ids.applicationId, ids.deviceId);
      if (!row || changedIdentifier(ids, row)) throw notFound();
      return answer(load(context, row, paths), paths);
    },
    delete: (message) =>
      context.transact((effects) => {
        if (unit.delete(message, effects)) return;
        const { applicationId, deviceId } = deviceIds(message);
        throw nothingToDelete(`${applicationId}.${deviceId}`);
      }),
    deleteBatch: (applicationId, ids) =>
      context.transact((effects) => deleteRows(server, rowsOf(table, applicationId, ids), effects)),
  };
}
