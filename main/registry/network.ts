import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type EndDevice,
  EndDeviceSchema,
  PowerState,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { devAddrToBytes } from '../lorawan/index.ts';
import type { DeviceRow, Store } from '../store/index.ts';
import {
  answer,
  changedIdentifier,
  decodeDevice,
  deviceIds,
  deviceRef,
  encodeDevice,
  type RegistryContext,
  SERVER_PATHS,
} from './context.ts';
import {
  corruptedMacState,
  networkDeviceNotFound,
  networkFieldValue,
  networkReadOnlyField,
  notFound,
} from './errors.ts';
import { emptyDevice } from './identity.ts';
import { covers, mergeByPaths, touches, without } from './masks.ts';
import { checkNetworkDevice } from './network-rules.ts';
import { describeTraffic, recentTraffic } from './recent-traffic.ts';
import {
  checkEuisFree,
  createServerRegistry,
  deleteDevice,
  type ServerRegistry,
  type ServerTable,
  type ServerUnit,
} from './server-registry.ts';
import { macStateOf, networkSessionMessage, saveNetworkSession } from './session-messages.ts';

/** Battery levels of DevStatusAns (TS001-1.0.4 §5.5). */
const EXTERNAL_POWER = 0;
const FULL_BATTERY = 254;
const UNKNOWN_BATTERY = 255;

/** The NsEndDeviceRegistry. */
export interface NetworkRegistry extends ServerRegistry {
  /** Forgets what was negotiated with the device; an ABP device starts anew with its address and keys. */
  resetFactoryDefaults(ids: EndDeviceIdentifiers, paths: readonly string[]): Promise<EndDevice>;
}

/** The whole device: message, sessions with keys and counters, MAC states. */
function load({ store }: RegistryContext, row: DeviceRow): EndDevice {
  const device = decodeDevice(row);
  const { current, pending } = store.networkSessions.byDevice(row.row);
  if (current) device.session = networkSessionMessage(current);
  if (pending) device.pendingSession = networkSessionMessage(pending);
  const macState = macStateOf(current);
  const pendingMacState = macStateOf(pending);
  if (macState) device.macState = macState;
  if (pendingMacState) device.pendingMacState = pendingMacState;
  if (device.ids && current) device.ids.devAddr = devAddrToBytes(current.devAddr);
  return device;
}

/** The device for a reader: what it sent and heard lately stands in its MAC states. */
function loadWithTraffic(
  context: RegistryContext,
  row: DeviceRow,
  paths: readonly string[],
): EndDevice {
  const { store } = context;
  const device = load(context, row);
  // As long as no gateway has offered it to the device, there is nothing but the join-accept that waits.
  if (device.pendingMacState?.queuedJoinAccept) delete device.pendingSession;
  if (!touches(paths, 'mac_state') && !touches(paths, 'pending_mac_state')) return device;
  const { current, pending } = store.networkSessions.byDevice(row.row);
  for (const [session, mac] of [
    [current, device.macState],
    [pending, device.pendingMacState],
  ] as const)
    if (session && mac) describeTraffic(mac, recentTraffic(store.frames, row, session));
  return device;
}

/** @param isNew it has no sessions yet that would have to be looked for */
function save(context: RegistryContext, device: EndDevice, isNew = false): void {
  const { clock, store } = context;
  const deviceRow = store.networkDevices.put({
    ...deviceIds(device.ids),
    message: encodeDevice(device, (copy) => {
      delete copy.session;
      delete copy.pendingSession;
      delete copy.macState;
      delete copy.pendingMacState;
    }),
  });
  const nowMs = clock.now();
  const before = isNew ? {} : store.networkSessions.byDevice(deviceRow);
  saveNetworkSession(store.networkSessions, {
    deviceRow,
    kind: 'current',
    before: before.current,
    session: device.session,
    macState: device.macState,
    nowMs,
  });
  saveNetworkSession(store.networkSessions, {
    deviceRow,
    kind: 'pending',
    before: before.pending,
    session: device.pendingSession,
    macState: device.pendingMacState,
    nowMs,
  });
}

function checkIdentity(
  { store }: RegistryContext,
  device: EndDevice,
  row: DeviceRow | undefined,
): void {
  const ids = deviceIds(device.ids);
  if (row) {
    const field = changedIdentifier(ids, row);
    if (field) throw networkReadOnlyField({ field });
    return;
  }
  checkEuisFree(serverTable(store), ids);
}

/** `ids.dev_addr` of a request has to be the address of its session. */
function checkDevAddr(device: EndDevice, stored: EndDevice, paths: readonly string[]): void {
  const sent = device.ids?.devAddr ?? new Uint8Array();
  if (sent.length === 0) return;
  const session = touches(paths, 'session.dev_addr') ? device.session : stored.session;
  if (!session || !sameBytes(session.devAddr, sent))
    throw networkFieldValue({ field: 'session.dev_addr' });
}

/**
 * Gives a session its MAC state. What the request says of it is laid over the state that follows from band and settings: a
 * template may name no more than one desired parameter.
 */
function beginMacState(
  context: RegistryContext,
  stored: EndDevice,
  sent: EndDevice,
  paths: readonly string[],
): void {
  if (!stored.session || stored.frequencyPlanId === '') return;
  const isSent = stored.macState !== undefined;
  delete stored.macState;
  stored.macState = context.newMacState(stored);
  if (!isSent) return;
  const ofMacState = paths.filter((path) => covers(['mac_state'], path));
  mergeByPaths(EndDeviceSchema, stored, sent, ofMacState);
}

const serverTable = ({ networkDevices: table }: Store): ServerTable => ({
  table,
  name: 'network',
  prefix: 'ns',
});

export function createNetworkUnit(context: RegistryContext): ServerUnit {
  const { store } = context;
  return {
    set(device, paths, effects) {
      const ids = deviceIds(device.ids);
      const row = store.networkDevices.getByIds(ids.applicationId, ids.deviceId);
      checkIdentity(context, device, row);
      const before = row && load(context, row);
      const stored = row ? load(context, row) : emptyDevice(device.ids);
      checkDevAddr(device, stored, paths);
      const effective = without(paths, ...SERVER_PATHS);
      mergeByPaths(EndDeviceSchema, stored, device, effective);
      checkNetworkDevice(stored, effective, before);
      if (!before?.macState) beginMacState(context, stored, device, effective);
      if (stored.ids && stored.session) stored.ids.devAddr = stored.session.devAddr;
      stored.createdAt ??= context.now();
      stored.updatedAt = context.now();
      save(context, stored, !row);
      effects.changed('network', ids, 'set');
      if (row) effects.event('ns.end_device.update', deviceRef(ids), effective);
      else effects.event('ns.end_device.create', deviceRef(ids));
      return stored;
    },
    delete: (message, effects) => deleteDevice(serverTable(store), message, effects),
  };
}

function reset(context: RegistryContext, device: EndDevice): void {
  delete device.pendingMacState;
  delete device.pendingSession;
  delete device.macState;
  delete device.batteryPercentage;
  delete device.lastDevStatusReceivedAt;
  device.downlinkMargin = 0;
  if (device.supportsJoin) {
    delete device.session;
    return;
  }
  if (!device.session) throw corruptedMacState();
  device.session.lastFCntUp = 0;
  device.session.lastNFCntDown = 0;
  device.session.lastConfFCntDown = 0;
  device.session.startedAt = context.now();
  device.macState = context.newMacState(device);
}

/** What a device said about itself in a DevStatusAns. */
export interface DeviceStatusReport {
  /** 0 external power, 255 unknown, else 1 to 254 for empty to full. */
  readonly battery: number;
  /** Signal-to-noise ratio of the last DevStatusReq at the device. */
  readonly marginDb: number;
  readonly receivedAtMs: number;
}

/**
 * Keeps what a device said about itself. Not a change of its registration: no event, and nothing read of it elsewhere
 * becomes wrong but these fields.
 */
export function recordDeviceStatus(
  { store }: RegistryContext,
  row: DeviceRow,
  status: DeviceStatusReport,
): void {
  const device = decodeDevice(row);
  const { battery, marginDb, receivedAtMs } = status;
  device.lastDevStatusReceivedAt = timestampFromMs(receivedAtMs);
  device.downlinkMargin = marginDb;
  device.powerState = PowerState.POWER_BATTERY;
  delete device.batteryPercentage;
  if (battery === EXTERNAL_POWER) device.powerState = PowerState.POWER_EXTERNAL;
  else if (battery === UNKNOWN_BATTERY) device.powerState = PowerState.POWER_UNKNOWN;
  else device.batteryPercentage = (battery - 1) / (FULL_BATTERY - 1);
  store.networkDevices.put({ ...deviceIds(device.ids), message: encodeDevice(device, () => {}) });
}

/** Creates the registry over its unit. */
export function createNetworkRegistry(context: RegistryContext, unit: ServerUnit): NetworkRegistry {
  const { store } = context;
  return {
    ...createServerRegistry(context, unit, {
      server: serverTable(store),
      check: () => undefined,
      load: loadWithTraffic,
      notFound,
      nothingToDelete: () => networkDeviceNotFound(),
    }),
    resetFactoryDefaults: (message, paths) =>
      context.transact((effects) => {
        const ids = deviceIds(message);
        const row = store.networkDevices.getByIds(ids.applicationId, ids.deviceId);
        if (!row) throw networkDeviceNotFound();
        const device = load(context, row);
        reset(context, device);
        device.updatedAt = context.now();
        // The stored sessions go first, so that their counters are not kept.
        const { current } = store.networkSessions.byDevice(row.row);
        if (current) store.networkSessions.delete(current.id);
        if (device.supportsJoin) store.downlinkQueue.clear(row.row);
        save(context, device);
        effects.changed('network', ids, 'set');
        return answer(device, paths);
      }),
  };
}
