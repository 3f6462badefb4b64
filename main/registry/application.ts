import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type EndDevice,
  EndDeviceSchema,
  type Session,
  SessionSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { MessagePayloadFormatters } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { devAddrFromBytes, devAddrToBytes } from '../lorawan/index.ts';
import type { ApplicationSession, DeviceRow, SessionKind, Store } from '../store/index.ts';
import {
  decodeDevice,
  deviceIds,
  deviceRef,
  encodeDevice,
  type RegistryContext,
  SERVER_PATHS,
} from './context.ts';
import {
  applicationDeviceNotFound,
  applicationFieldMask,
  applicationFieldValue,
  applicationReadOnlyField,
  notFound,
  scriptTooLarge,
} from './errors.ts';
import { emptyDevice } from './identity.ts';
import { covers, isZeroBytes, mergeByPaths, without } from './masks.ts';
import {
  checkEuisFree,
  checkSameIdentity,
  createServerRegistry,
  deleteDevice,
  type ServerRegistry,
  type ServerTable,
  type ServerUnit,
} from './server-registry.ts';

/** Longest formatter a device may have. */
export const MAX_FORMATTER_BYTES = 40_960;

function sessionMessage(session: ApplicationSession): Session {
  return create(SessionSchema, {
    keys: {
      sessionKeyId: session.sessionKeyId,
      ...(session.appSKey && { appSKey: { key: session.appSKey } }),
    },
    lastAFCntDown: session.lastAFCntDown ?? 0,
    startedAt: timestampFromMs(session.startedAtMs),
    ...(session.devAddr && { devAddr: devAddrToBytes(session.devAddr) }),
  });
}

function load({ store }: RegistryContext, row: DeviceRow): EndDevice {
  const device = decodeDevice(row);
  const { current, pending } = store.applicationSessions.byDevice(row.row);
  if (current) device.session = sessionMessage(current);
  if (pending) device.pendingSession = sessionMessage(pending);
  if (device.ids && current?.devAddr) device.ids.devAddr = devAddrToBytes(current.devAddr);
  return device;
}

function saveSession(
  { store, clock }: RegistryContext,
  deviceRow: number,
  kind: SessionKind,
  before: ApplicationSession | undefined,
  session: Session | undefined,
): void {
  if (!session) {
    if (before) store.applicationSessions.delete(before.id);
    return;
  }
  const sessionKeyId = session.keys?.sessionKeyId ?? new Uint8Array();
  const isSame = before !== undefined && sameBytes(before.sessionKeyId, sessionKeyId);
  const keptStart = isSame ? before.startedAtMs : undefined;
  const appSKey = session.keys?.appSKey?.key;
  const unchanged = isSame && (before.lastAFCntDown ?? 0) === session.lastAFCntDown;
  const lastAFCntDown = unchanged ? before.lastAFCntDown : session.lastAFCntDown || undefined;
  store.applicationSessions.put({
    deviceRow,
    kind,
    sessionKeyId,
    startedAtMs:
      keptStart ?? (session.startedAt && !before ? timestampMs(session.startedAt) : clock.now()),
    ...(session.devAddr.length > 0 && { devAddr: devAddrFromBytes(session.devAddr) }),
    ...(appSKey && appSKey.length > 0 && { appSKey }),
    ...(lastAFCntDown !== undefined && { lastAFCntDown }),
  });
}

/** Refuses formatters that are too long, in the message field `path`. */
export function checkScriptSizes(
  path: string,
  formatters: MessagePayloadFormatters | undefined,
  paths: readonly string[],
): void {
  for (const [name, script] of [
    ['up_formatter_parameter', formatters?.upFormatterParameter],
    ['down_formatter_parameter', formatters?.downFormatterParameter],
  ] as const) {
    const field = `${path}.${name}`;
    const size = script ? Buffer.byteLength(script) : 0;
    if (!covers(paths, field) || size <= MAX_FORMATTER_BYTES) continue;
    const cause = scriptTooLarge({ size, max_size: MAX_FORMATTER_BYTES });
    throw applicationFieldValue({ field }, { cause });
  }
}

/** Checks that need nothing stored; the API layer calls them before it looks at rights. */
export function checkApplicationRequest(device: EndDevice, paths: readonly string[]): void {
  const required = [
    ['session.dev_addr', device.session?.devAddr],
    ['session.keys.app_s_key.key', device.session?.keys?.appSKey?.key],
  ] as const;
  for (const [field, value] of required) {
    if (covers(paths, field) && isZeroBytes(value)) throw applicationFieldValue({ field });
  }
  checkScriptSizes('formatters', device.formatters, paths);
}

function checkAgainstStored(
  { store }: RegistryContext,
  device: EndDevice,
  paths: readonly string[],
  row: DeviceRow | undefined,
): void {
  if (row) {
    checkSameIdentity(device, paths, row, {
      fieldMask: applicationFieldMask,
      readOnlyField: applicationReadOnlyField,
    });
    return;
  }
  const devAddr = device.ids?.devAddr ?? new Uint8Array();
  if (devAddr.length > 0) {
    const session = covers(paths, 'session.dev_addr') ? device.session?.devAddr : undefined;
    if (!session || !sameBytes(session, devAddr)) {
      throw applicationFieldValue({ field: 'ids.dev_addr' });
    }
  }
  checkEuisFree(serverTable(store), deviceIds(device.ids));
}

const serverTable = ({ applicationDevices: table }: Store): ServerTable => ({
  table,
  name: 'application',
  prefix: 'as',
});

export function createApplicationUnit(context: RegistryContext): ServerUnit {
  const { store } = context;
  return {
    set(device, paths, effects) {
      checkApplicationRequest(device, paths);
      const ids = deviceIds(device.ids);
      const row = store.applicationDevices.getByIds(ids.applicationId, ids.deviceId);
      checkAgainstStored(context, device, paths, row);
      const stored = row ? load(context, row) : emptyDevice(device.ids);
      const effective = without(paths, ...SERVER_PATHS);
      mergeByPaths(EndDeviceSchema, stored, device, effective);
      stored.createdAt ??= context.now();
      stored.updatedAt = context.now();
      const id = store.applicationDevices.put({
        ...deviceIds(stored.ids),
        message: encodeDevice(stored, (copy) => {
          delete copy.session;
          delete copy.pendingSession;
        }),
      });
      const before = row ? store.applicationSessions.byDevice(id) : {};
      saveSession(context, id, 'current', before.current, stored.session);
      saveSession(context, id, 'pending', before.pending, stored.pendingSession);
      if (stored.ids && stored.session) stored.ids.devAddr = stored.session.devAddr;
      effects.changed('application', ids, 'set');
      if (row) effects.event('as.end_device.update', deviceRef(ids), effective);
      else effects.event('as.end_device.create', deviceRef(ids));
      return stored;
    },
    delete: (message, effects) => deleteDevice(serverTable(store), message, effects),
  };
}

/** The AsEndDeviceRegistry: formatters and application sessions. */
export function createApplicationDeviceRegistry(
  context: RegistryContext,
  unit: ServerUnit,
): ServerRegistry {
  return createServerRegistry(context, unit, {
    server: serverTable(context.store),
    check: checkApplicationRequest,
    load,
    notFound,
    nothingToDelete: (deviceUid) => applicationDeviceNotFound({ device_uid: deviceUid }),
  });
}
