import { create, equals } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { ApplicationSchema } from '../api/gen/ttn/lorawan/v3/application_pb.js';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { type Location, LocationSchema } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import type { ErrorFactory } from '../base/errors.ts';
import { eui64FromBytes } from '../lorawan/index.ts';
import type { DeviceRow, DeviceSearchFilter, IdentityFilter } from '../store/index.ts';
import { decodeMessage } from './applications.ts';
import {
  answer,
  changedIdentifier,
  type DeviceIds,
  decodeDevice,
  deviceIds,
  deviceRef,
  type Effects,
  encodeDevice,
  idsMessage,
  type RegistryContext,
  SERVER_PATHS,
  takenAttributes,
} from './context.ts';
import {
  applicationNotFound,
  applicationServerAddressMismatch,
  claimAuthenticationCode,
  endDeviceNotFound,
  identityEuisTaken,
  idTaken,
  joinServerAddressMismatch,
  networkServerAddressMismatch,
} from './errors.ts';
import { mergeByPaths, pickByPaths, without } from './masks.ts';
import { orderOf, pageOf } from './paging.ts';
import { rowsOf } from './server-registry.ts';

/** Top-level fields the identity registry stores; it knows no keys and no LoRaWAN versions. */
export const IDENTITY_PATHS = [
  'activated_at',
  'application_server_address',
  'attributes',
  'claim_authentication_code',
  'description',
  'join_server_address',
  'last_seen_at',
  'locations',
  'lora_alliance_profile_ids',
  'name',
  'network_server_address',
  'picture',
  'serial_number',
  'service_profile_id',
  'version_ids',
] as const;

/** What lists can be sorted by. */
const DEVICE_ORDERS = ['device_id', 'name', 'created_at', 'last_seen_at'] as const;

interface PagedRequest {
  readonly limit?: number;
  readonly page?: number;
  readonly order?: string;
}

export interface ListDevices extends IdentityFilter, PagedRequest {}

export interface SearchDevices extends DeviceSearchFilter, PagedRequest {}

export interface DeviceList {
  readonly devices: EndDevice[];
  readonly total: number;
}

export interface IdentityRegistry {
  create(device: EndDevice): Promise<EndDevice>;
  get(ids: EndDeviceIdentifiers, paths: readonly string[]): Promise<EndDevice>;
  list(request: ListDevices, paths: readonly string[]): Promise<DeviceList>;
  /** Whole devices of an application by their ids, from behind one of them. */
  listAfter(applicationId: string, deviceId: string, limit: number): Promise<EndDevice[]>;
  /** Devices of one application that fit all filters; `paths` are answered as given, filters do not add to them. */
  search(request: SearchDevices, paths: readonly string[]): Promise<DeviceList>;
  update(device: EndDevice, paths: readonly string[]): Promise<EndDevice>;
  delete(ids: EndDeviceIdentifiers): Promise<void>;
  /** The devices of these ids; those that are not there are skipped. */
  getBatch(
    applicationId: string,
    deviceIds: readonly string[],
    paths: readonly string[],
  ): Promise<EndDevice[]>;
  deleteBatch(applicationId: string, deviceIds: readonly string[]): Promise<void>;
  getByEuis(joinEui: Uint8Array, devEui: Uint8Array): Promise<EndDeviceIdentifiers>;
  /** Keeps when devices were heard. What is not registered is left out. */
  recordSeen(seen: readonly SeenDevice[]): Promise<void>;
  /** Keeps where a service says a device is, beside its other locations. A device that is not registered has none. */
  recordLocation(ids: DeviceIds, service: string, location: Location): Promise<void>;
}

/** A device that was heard. */
export interface SeenDevice extends DeviceIds {
  readonly atMs: number;
  /** Its first uplink since this program started: perhaps its first ever. */
  readonly firstUplinkAtMs?: number;
}

/** The same calls inside a unit of work. */
export interface IdentityUnit {
  create(device: EndDevice, effects: Effects): EndDevice;
  update(device: EndDevice, paths: readonly string[], effects: Effects): EndDevice;
  /** Answers whether there was one. */
  delete(ids: EndDeviceIdentifiers, effects: Effects): boolean;
}

const hostOf = (address: string): string => address.replace(/:\d+$/, '');

const ADDRESSES: readonly (readonly [
  'networkServerAddress' | 'applicationServerAddress' | 'joinServerAddress',
  ErrorFactory,
])[] = [
  ['networkServerAddress', networkServerAddressMismatch],
  ['applicationServerAddress', applicationServerAddressMismatch],
  ['joinServerAddress', joinServerAddressMismatch],
];

function checkAddresses({ store }: RegistryContext, device: EndDevice): void {
  const applicationId = device.ids?.applicationIds?.applicationId ?? '';
  const row = store.applications.get(applicationId);
  if (!row) return;
  const application = decodeMessage(ApplicationSchema, row.message);
  for (const [field, mismatch] of ADDRESSES) {
    const [address, expected] = [device[field], application[field]];
    if (address && expected && hostOf(address) !== hostOf(expected)) {
      throw mismatch({ address, expected });
    }
  }
}

function checkClaimCode({ claimAuthenticationCode: code }: EndDevice): void {
  if (!code) return;
  const from = code.validFrom && timestampMs(code.validFrom);
  const to = code.validTo && timestampMs(code.validTo);
  if (code.value === '' && (from !== undefined || to !== undefined)) {
    throw claimAuthenticationCode();
  }
  if (from !== undefined && to !== undefined && to < from) throw claimAuthenticationCode();
}

function save({ store }: RegistryContext, device: EndDevice): void {
  const ids = deviceIds(device.ids);
  store.identityDevices.put({
    ...ids,
    name: device.name,
    description: device.description,
    attributes: device.attributes,
    createdAtMs: device.createdAt ? timestampMs(device.createdAt) : 0,
    updatedAtMs: device.updatedAt ? timestampMs(device.updatedAt) : 0,
    ...(device.lastSeenAt && { lastSeenAtMs: timestampMs(device.lastSeenAt) }),
    message: encodeDevice(device, () => undefined),
  });
}

/** A row's device; when it was last heard stands beside its message. */
function identityDevice(row: DeviceRow): EndDevice {
  const device = decodeDevice(row);
  if (row.lastSeenAtMs !== undefined) device.lastSeenAt = timestampFromMs(row.lastSeenAtMs);
  return device;
}

/** Keeps when a device was heard first, unless that is known. */
function activate(
  context: RegistryContext,
  { applicationId, deviceId }: DeviceIds,
  atMs: number,
  effects: Effects,
): void {
  const row = context.store.identityDevices.getByIds(applicationId, deviceId);
  if (!row) return;
  const device = identityDevice(row);
  if (device.activatedAt) return;
  device.activatedAt = timestampFromMs(atMs);
  save(context, device);
  // No event: nobody changed the registration.
  effects.changed('identity', row, 'set');
}

/** The row of these identifiers; EUIs in the request have to fit. */
function find(context: RegistryContext, message: EndDeviceIdentifiers | undefined): DeviceRow {
  const ids = deviceIds(message);
  const row = context.store.identityDevices.getByIds(ids.applicationId, ids.deviceId);
  if (!row || changedIdentifier(ids, row)) {
    throw endDeviceNotFound({ device_id: ids.deviceId, application_id: ids.applicationId });
  }
  return row;
}

export function createIdentityUnit(context: RegistryContext): IdentityUnit {
  const { store } = context;
  return {
    create(device, effects) {
      const ids = deviceIds(device.ids);
      if (!store.applications.get(ids.applicationId)) {
        throw applicationNotFound({ application_id: ids.applicationId });
      }
      if (store.identityDevices.getByIds(ids.applicationId, ids.deviceId)) throw idTaken();
      const owner =
        ids.joinEui && ids.devEui && store.identityDevices.getByEuis(ids.joinEui, ids.devEui);
      if (owner) throw identityEuisTaken(takenAttributes(owner));
      const stored = pickByPaths(EndDeviceSchema, device, IDENTITY_PATHS);
      stored.ids = idsMessage(ids);
      stored.createdAt = context.now();
      stored.updatedAt = stored.createdAt;
      checkAddresses(context, stored);
      checkClaimCode(stored);
      save(context, stored);
      effects.changed('identity', ids, 'set');
      effects.event('end_device.create', deviceRef(ids));
      return stored;
    },
    update(device, paths, effects) {
      const row = find(context, device.ids);
      const stored = identityDevice(row);
      const effective = without(paths, ...SERVER_PATHS).filter(
        (path) => path !== 'activated_at' || device.activatedAt,
      );
      mergeByPaths(EndDeviceSchema, stored, device, effective);
      stored.updatedAt = context.now();
      checkAddresses(context, stored);
      checkClaimCode(stored);
      save(context, stored);
      effects.changed('identity', row, 'set');
      effects.event('end_device.update', deviceRef(row), effective);
      return answer(stored, effective);
    },
    delete(message, effects) {
      const ids = deviceIds(message);
      const row = store.identityDevices.getByIds(ids.applicationId, ids.deviceId);
      if (!row) return false;
      store.identityDevices.delete(row.row);
      effects.changed('identity', row, 'delete');
      effects.event('end_device.delete', deviceRef(row));
      return true;
    },
  };
}

/** Calls about several devices of one application. */
function batchCalls(context: RegistryContext): Pick<IdentityRegistry, 'getBatch' | 'deleteBatch'> {
  const { identityDevices } = context.store;
  return {
    async getBatch(applicationId, ids, paths) {
      return rowsOf(identityDevices, applicationId, ids).map((row) =>
        answer(identityDevice(row), paths),
      );
    },
    deleteBatch: (applicationId, ids) =>
      context.transact((effects) => {
        const rows = rowsOf(identityDevices, applicationId, ids);
        if (rows.length === 0) return;
        for (const row of rows) {
          identityDevices.delete(row.row);
          effects.changed('identity', row, 'delete');
        }
        effects.event('end_device.batch.delete', rows.map(deviceRef));
      }),
  };
}

/** The EndDeviceRegistry: names, descriptions, places, who exists. */
export function createIdentityRegistry(
  context: RegistryContext,
  unit: IdentityUnit,
): IdentityRegistry {
  const { store } = context;
  return {
    ...batchCalls(context),
    create: (device) => context.transact((effects) => unit.create(device, effects)),
    async get(ids, paths) {
      return answer(identityDevice(find(context, ids)), paths);
    },
    async list({ limit, page, order, ...filter }, paths) {
      const { rows, total } = store.identityDevices.list(filter, {
        ...orderOf(order, DEVICE_ORDERS, 'device_id'),
        ...pageOf(limit, page),
      });
      return { devices: rows.map((row) => answer(identityDevice(row), paths)), total };
    },
    async listAfter(applicationId, deviceId, limit) {
      return store.identityDevices.listAfter(applicationId, deviceId, limit).map(identityDevice);
    },
    async search({ limit, page, order, ...filter }, paths) {
      const { rows, total } = await store.searchDevices({
        ...filter,
        ...orderOf(order, DEVICE_ORDERS, 'device_id'),
        ...pageOf(limit, page),
      });
      // One that was deleted since it was found is left out.
      const found = rows.flatMap((row) => store.identityDevices.get(row) ?? []);
      return { devices: found.map((row) => answer(identityDevice(row), paths)), total };
    },
    update: (device, paths) => context.transact((effects) => unit.update(device, paths, effects)),
    delete: (ids) =>
      context.transact((effects) => {
        if (unit.delete(ids, effects)) return;
        const { deviceId, applicationId } = deviceIds(ids);
        throw endDeviceNotFound({ device_id: deviceId, application_id: applicationId });
      }),
    recordSeen: (seen) =>
      context.transact((effects) => {
        for (const { atMs, firstUplinkAtMs, ...ids } of seen) {
          store.identityDevices.seen(ids.applicationId, ids.deviceId, atMs);
          if (firstUplinkAtMs !== undefined) activate(context, ids, firstUplinkAtMs, effects);
        }
      }),
    recordLocation: (ids, service, location) =>
      context.transact((effects) => {
        const row = store.identityDevices.getByIds(ids.applicationId, ids.deviceId);
        if (!row) return;
        const stored = identityDevice(row);
        const known = stored.locations[service];
        if (known && equals(LocationSchema, known, location)) return;
        stored.locations[service] = location;
        stored.updatedAt = context.now();
        save(context, stored);
        effects.changed('identity', row, 'set');
        effects.event('end_device.update', deviceRef(row), ['locations']);
      }),
    async getByEuis(joinEui, devEui) {
      const row =
        joinEui.length === 8 && devEui.length === 8
          ? store.identityDevices.getByEuis(eui64FromBytes(joinEui), eui64FromBytes(devEui))
          : undefined;
      if (!row) throw endDeviceNotFound({ device_id: '', application_id: '' });
      return idsMessage(row);
    },
  };
}

/** An empty device, for servers that create one before its fields are known. */
export function emptyDevice(ids: EndDeviceIdentifiers | undefined): EndDevice {
  return create(EndDeviceSchema, { ids: idsMessage(deviceIds(ids)) });
}
