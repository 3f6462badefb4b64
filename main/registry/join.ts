import { create } from '@bufbuild/protobuf';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { KeyEnvelopeSchema, RootKeysSchema } from '../api/gen/ttn/lorawan/v3/keys_pb.js';
import type { DeviceRow, JoinState, Store } from '../store/index.ts';
import {
  decodeDevice,
  deviceIds,
  deviceRef,
  encodeDevice,
  type RegistryContext,
  SERVER_PATHS,
} from './context.ts';
import {
  joinDeviceNotFound,
  joinFieldMask,
  joinFieldValue,
  joinReadOnlyField,
  noDevEui,
  noJoinEui,
  provisionerNotFound,
} from './errors.ts';
import { emptyDevice } from './identity.ts';
import { covers, isZeroBytes, mergeByPaths, touches, without } from './masks.ts';
import {
  checkEuisFree,
  checkSameIdentity,
  createServerRegistry,
  deleteDevice,
  type ServerRegistry,
  type ServerTable,
  type ServerUnit,
} from './server-registry.ts';

/** Raw root keys. */
export interface RootKeyPair {
  readonly appKey?: Uint8Array;
  readonly nwkKey?: Uint8Array;
}

const HAS_APP_KEY = 1;
const HAS_NWK_KEY = 2;
const KEY_BYTES = 16;
const NONCE_PATHS = [
  'last_dev_nonce',
  'used_dev_nonces',
  'last_join_nonce',
  'last_rj_count_0',
  'last_rj_count_1',
];

/** Root keys as one secret: which of them there are, then AppKey and NwkKey. */
export function packRootKeys({ appKey, nwkKey }: RootKeyPair): Uint8Array | undefined {
  if (!appKey && !nwkKey) return undefined;
  const packed = new Uint8Array(1 + 2 * KEY_BYTES);
  packed[0] = (appKey ? HAS_APP_KEY : 0) | (nwkKey ? HAS_NWK_KEY : 0);
  if (appKey) packed.set(appKey, 1);
  if (nwkKey) packed.set(nwkKey, 1 + KEY_BYTES);
  return packed;
}

export function unpackRootKeys(packed: Uint8Array | undefined): RootKeyPair {
  const flags = packed?.[0] ?? 0;
  return {
    ...(packed && flags & HAS_APP_KEY && { appKey: packed.slice(1, 1 + KEY_BYTES) }),
    ...(packed && flags & HAS_NWK_KEY && { nwkKey: packed.slice(1 + KEY_BYTES) }),
  };
}

/** The whole device: message, root keys and what the join server counts. */
function load({ store }: RegistryContext, row: DeviceRow): EndDevice {
  const device = decodeDevice(row);
  const { appKey, nwkKey } = unpackRootKeys(row.keys);
  if (appKey || nwkKey) device.rootKeys ??= create(RootKeysSchema);
  if (device.rootKeys && appKey) {
    device.rootKeys.appKey ??= create(KeyEnvelopeSchema);
    device.rootKeys.appKey.key = appKey;
  }
  if (device.rootKeys && nwkKey) {
    device.rootKeys.nwkKey ??= create(KeyEnvelopeSchema);
    device.rootKeys.nwkKey.key = nwkKey;
  }
  const state = store.joinState.get(row.row);
  device.lastDevNonce = state.lastDevNonce ?? 0;
  device.usedDevNonces = [...state.usedDevNonces];
  device.lastJoinNonce = state.lastJoinNonce ?? 0;
  device.lastRjCount0 = state.lastRjCount0 ?? 0;
  device.lastRjCount1 = state.lastRjCount1 ?? 0;
  return device;
}

/** Counters of a message; zero means that there was none yet. */
function joinState(device: EndDevice): JoinState {
  return {
    usedDevNonces: device.usedDevNonces,
    ...(device.lastDevNonce > 0 && { lastDevNonce: device.lastDevNonce }),
    ...(device.lastJoinNonce > 0 && { lastJoinNonce: device.lastJoinNonce }),
    ...(device.lastRjCount0 > 0 && { lastRjCount0: device.lastRjCount0 }),
    ...(device.lastRjCount1 > 0 && { lastRjCount1: device.lastRjCount1 }),
  };
}

const presentKey = (key: Uint8Array | undefined): Uint8Array | undefined =>
  key && key.length > 0 && !isZeroBytes(key) ? key : undefined;

function save({ store }: RegistryContext, device: EndDevice): number {
  const appKey = presentKey(device.rootKeys?.appKey?.key);
  const nwkKey = presentKey(device.rootKeys?.nwkKey?.key);
  const keys = packRootKeys({ ...(appKey && { appKey }), ...(nwkKey && { nwkKey }) });
  return store.joinDevices.put({
    ...deviceIds(device.ids),
    ...(keys && { keys }),
    message: encodeDevice(device, (copy) => {
      if (copy.rootKeys?.appKey) copy.rootKeys.appKey.key = new Uint8Array();
      if (copy.rootKeys?.nwkKey) copy.rootKeys.nwkKey.key = new Uint8Array();
      copy.lastDevNonce = 0;
      copy.usedDevNonces = [];
      copy.lastJoinNonce = 0;
      copy.lastRjCount0 = 0;
      copy.lastRjCount1 = 0;
    }),
  });
}

/** Checks that need nothing stored; the API layer calls them before it looks at rights. */
export function checkJoinRequest(device: EndDevice, paths: readonly string[]): void {
  if (!device.ids || device.ids.joinEui.length === 0) throw noJoinEui();
  if (isZeroBytes(device.ids.devEui)) throw noDevEui();
  const field = 'root_keys.app_key.key';
  if (covers(paths, field) && isZeroBytes(device.rootKeys?.appKey?.key)) {
    throw joinFieldValue({ field });
  }
}

function checkAgainstStored(
  context: RegistryContext,
  device: EndDevice,
  paths: readonly string[],
  row: DeviceRow | undefined,
): void {
  if (row) {
    checkSameIdentity(device, paths, row, {
      fieldMask: joinFieldMask,
      readOnlyField: joinReadOnlyField,
    });
    const stored = decodeDevice(row);
    if (covers(paths, 'provisioner_id') && device.provisionerId !== stored.provisionerId) {
      throw joinReadOnlyField({ field: 'provisioner_id' });
    }
    return;
  }
  if (!isZeroBytes(device.ids?.devAddr)) throw joinFieldValue({ field: 'ids.dev_addr' });
  if (covers(paths, 'provisioner_id') && device.provisionerId) {
    throw provisionerNotFound({ id: device.provisionerId });
  }
  checkEuisFree(serverTable(context.store), deviceIds(device.ids));
}

const serverTable = ({ joinDevices: table }: Store): ServerTable => ({
  table,
  name: 'join',
  prefix: 'js',
});

export function createJoinUnit(context: RegistryContext): ServerUnit {
  const { store } = context;
  return {
    set(device, paths, effects) {
      checkJoinRequest(device, paths);
      const ids = deviceIds(device.ids);
      const row = store.joinDevices.getByIds(ids.applicationId, ids.deviceId);
      checkAgainstStored(context, device, paths, row);
      const stored = row ? load(context, row) : emptyDevice(device.ids);
      const effective = without(paths, ...SERVER_PATHS);
      mergeByPaths(EndDeviceSchema, stored, device, effective);
      if (touches(paths, 'root_keys.nwk_key') && stored.rootKeys) {
        if (isZeroBytes(stored.rootKeys.nwkKey?.key)) delete stored.rootKeys.nwkKey;
      }
      stored.createdAt ??= context.now();
      stored.updatedAt = context.now();
      const id = save(context, stored);
      if (NONCE_PATHS.some((path) => covers(paths, path))) {
        store.joinState.put(id, joinState(stored));
      }
      effects.changed('join', ids, 'set');
      if (row) effects.event('js.end_device.update', deviceRef(ids), effective);
      else effects.event('js.end_device.create', deviceRef(ids));
      return stored;
    },
    delete: (message, effects) => deleteDevice(serverTable(store), message, effects),
  };
}

/** The JsEndDeviceRegistry: root keys and what guards joins against replay. */
export function createJoinRegistry(context: RegistryContext, unit: ServerUnit): ServerRegistry {
  return createServerRegistry(context, unit, {
    server: serverTable(context.store),
    check: checkJoinRequest,
    load,
    notFound: joinDeviceNotFound,
    nothingToDelete: () => joinDeviceNotFound(),
  });
}
