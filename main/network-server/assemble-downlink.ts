import { clone, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import type { CauseCode } from '../base/causes.ts';
import type { WindowSettings } from '../base/seams.ts';
import type { MacCommand } from '../lorawan/index.ts';
import type { QueuedDownlink } from '../store/index.ts';
import { usesAdr } from './adr.ts';
import { collectCommands, type DownlinkCommands } from './downlink-commands.ts';
import { current, setPending, stickyAnswers } from './mac/index.ts';
import type { NetworkStore } from './ports.ts';
import { chooseFromQueue, type FailedDownlink, type QueueChoice } from './queue-choice.ts';
import { type DataDownlink, sealDataDownlink } from './seal-data-downlink.ts';
import { isLorawan11, type LiveSession, lastApplicationCounter } from './session-cache.ts';
import { dataWindows, type UplinkPlace } from './windows.ts';

/** What is known of the uplink whose windows are used. */
export interface SlotUplink extends UplinkPlace {
  readonly confirmed: boolean;
  readonly adrAckReq: boolean;
  readonly fullFCnt: number;
  readonly answers: readonly MacCommand[];
}

/** A downlink whose counter is reserved. */
export interface AssembledDownlink {
  readonly phyPayload: Uint8Array;
  /** Those it fits into. */
  readonly windows: readonly WindowSettings[];
  readonly priority: number;
  readonly fullFCnt: number;
  /** The queue entry it carries. */
  readonly item?: QueuedDownlink;
  readonly requests: readonly MacCommand[];
}

/** What came of putting a downlink together. */
export interface Assembly {
  /** Undefined if there is nothing to send. */
  readonly downlink?: AssembledDownlink;
  readonly failed: readonly FailedDownlink[];
  readonly invalidated: readonly ApplicationDownlink[];
  readonly lastFCntDown: number;
  /** Nothing can be sent, whatever there is. */
  readonly cause?: Extract<CauseCode, 'receive_windows_unknown'>;
}

const F_OPTS_BYTES = 15;
/** MHDR, FHDR without FOpts, FPort and MIC. */
const FIXED_BYTES = 13;
const HIGHEST_PRIORITY = 6;
const HIGH_PRIORITY = 5;
const MAX_COUNTER = 0xffff_ffff;

function contentOf(
  item: QueuedDownlink | undefined,
  { bytes }: DownlinkCommands,
): Pick<DataDownlink, 'fOpts' | 'fPort' | 'frmPayload'> {
  if (item)
    return { fOpts: bytes, fPort: item.downlink.fPort, frmPayload: item.downlink.frmPayload };
  return bytes.length <= F_OPTS_BYTES ? { fOpts: bytes } : { fPort: 0, frmPayload: bytes };
}

/** Application downlinks rank below MAC commands and never highest by themselves. */
function priorityOf(item: QueuedDownlink | undefined, { bytes }: DownlinkCommands): number {
  if (bytes.length > 0) return HIGHEST_PRIORITY;
  return item ? Math.min(item.downlink.priority, HIGH_PRIORITY) : HIGH_PRIORITY;
}

/** Queue entries whose counters are used up by a frame of the network itself; they leave the queue. */
export function overtaken(
  store: NetworkStore,
  session: LiveSession,
  fullFCnt: number,
): readonly ApplicationDownlink[] {
  const own = store.downlinkQueue
    .list(session.device.row)
    .filter(({ sessionKeyId }) => sameBytes(sessionKeyId, session.sessionKeyId));
  if (!own.some(({ downlink }) => downlink.fCnt <= fullFCnt)) return [];
  for (const { id } of own) store.downlinkQueue.remove(id);
  return own.map(({ downlink }) => downlink);
}

/** Stores counters and what now waits for an answer of the device. */
function reserve(
  store: NetworkStore,
  session: LiveSession,
  fullFCnt: number,
  item: QueuedDownlink | undefined,
  requests: readonly MacCommand[],
  nowMs: number,
): void {
  const isNetworkCounter = !isLorawan11(session) || !item;
  const isConfirmed = item?.downlink.confirmed === true;
  store.networkSessions.updateCounters(session.id, {
    ...(isNetworkCounter ? { lastNFCntDown: fullFCnt } : { lastAFCntDown: fullFCnt }),
    ...(isConfirmed && { lastConfFCntDown: fullFCnt }),
  });
  if (isNetworkCounter) session.lastNFCntDown = fullFCnt;
  else session.lastAFCntDown = fullFCnt;
  if (isConfirmed) session.lastConfFCntDown = fullFCnt;
  if (requests.length + session.mac.queuedResponses.length === 0 && !isConfirmed) return;
  const mac = clone(MACStateSchema, session.mac);
  setPending(mac, requests);
  mac.queuedResponses = [];
  if (item && isConfirmed) {
    mac.pendingApplicationDownlink = item.downlink;
    mac.lastConfirmedDownlinkAt = timestampFromMs(nowMs);
  }
  store.networkSessions.updateMacState(session.id, toBinary(MACStateSchema, mac));
  session.mac = mac;
}

/**
 * No gateway took the frame: the device was neither asked nor sent anything, so nothing of it is waited for. The counter
 * stays used. Answers the queue entries that had counted on it. Runs inside a unit.
 */
export function takeBack(
  store: NetworkStore,
  session: LiveSession,
  { item, requests, fullFCnt }: AssembledDownlink,
): readonly ApplicationDownlink[] {
  const isConfirmed = item?.downlink.confirmed === true;
  if (requests.length > 0 || isConfirmed) {
    const mac = clone(MACStateSchema, session.mac);
    setPending(mac, []);
    if (isConfirmed) delete mac.pendingApplicationDownlink;
    store.networkSessions.updateMacState(session.id, toBinary(MACStateSchema, mac));
    session.mac = mac;
  }
  return item ? overtaken(store, session, fullFCnt) : [];
}

function isNeeded(
  session: LiveSession,
  uplink: SlotUplink,
  { item }: QueueChoice,
  { bytes }: DownlinkCommands,
): boolean {
  return (
    item !== undefined ||
    bytes.length > 0 ||
    uplink.confirmed ||
    uplink.adrAckReq ||
    stickyAnswers(session.mac).size > 0
  );
}

/**
 * MAC commands next to what is queued: they keep to FOpts so that the application's payload can travel with them, unless
 * none of them is short enough for that.
 */
function commandsBeside(
  queue: readonly QueuedDownlink[],
  collect: (maxBytes: number) => DownlinkCommands,
): DownlinkCommands {
  const short = queue.length > 0 ? collect(F_OPTS_BYTES) : undefined;
  const isUseful = short !== undefined && (short.bytes.length > 0 || !short.isCut);
  return isUseful ? short : collect(Number.POSITIVE_INFINITY);
}

/**
 * Puts the downlink for a device's receive windows together and reserves its counter. Runs inside a unit: the frame may
 * leave only once that is durable. The queue entry stays until a gateway has taken the frame.
 */
export function assembleDownlink(
  store: NetworkStore,
  session: LiveSession,
  uplink: SlotUplink,
  nowMs: number,
): Assembly {
  const { profile, device, lastNFCntDown } = session;
  const lastFCntDown = lastApplicationCounter(session) ?? 0;
  const empty: Assembly = { failed: [], invalidated: [], lastFCntDown };
  if (!profile) return empty;
  const parameters = current(session.mac);
  const windows = dataWindows(profile, parameters, uplink);
  if (windows.length === 0) return { ...empty, cause: 'receive_windows_unknown' };
  const room = Math.max(0, ...windows.map((one) => one.maxPhyPayloadBytes)) - FIXED_BYTES;
  if (room < 0) return empty;
  const queue = store.downlinkQueue.list(device.row);
  const commands = commandsBeside(queue, (maxBytes) =>
    collectCommands(session, profile, uplink, { maxBytes: Math.min(maxBytes, room), nowMs }),
  );
  const inFOpts = commands.bytes.length <= F_OPTS_BYTES;
  const roomForItem = inFOpts ? room - commands.bytes.length : undefined;
  const pendingKeyId = () => store.networkSessions.byDevice(device.row).pending?.sessionKeyId;
  const rooms = { beside: roomForItem, alone: room };
  const choice = chooseFromQueue(session, queue, pendingKeyId, rooms, nowMs);
  for (const { id } of choice.remove) store.downlinkQueue.remove(id);
  const invalidated = choice.invalidated.map(({ downlink }) => downlink);
  const { item, failed } = choice;
  if (!isNeeded(session, uplink, choice, commands)) return { ...empty, failed, invalidated };
  const fullFCnt = item?.downlink.fCnt ?? (lastNFCntDown ?? -1) + 1;
  if (fullFCnt > MAX_COUNTER) return { ...empty, failed, invalidated };
  if (!item && !isLorawan11(session)) invalidated.push(...overtaken(store, session, fullFCnt));
  const phyPayload = sealDataDownlink(session, {
    ...contentOf(item, commands),
    confirmed: item?.downlink.confirmed ?? false,
    adr: usesAdr(profile.band, device.message.macSettings),
    ack: uplink.confirmed,
    fPending: commands.isCut || choice.hasMore,
    fullFCnt,
    confFCnt: uplink.fullFCnt,
  });
  reserve(store, session, fullFCnt, item, commands.requests, nowMs);
  return {
    failed,
    invalidated,
    lastFCntDown: fullFCnt,
    downlink: {
      phyPayload,
      windows: windows.filter((one) => phyPayload.length <= one.maxPhyPayloadBytes),
      priority: priorityOf(item, commands),
      fullFCnt,
      requests: commands.requests,
      ...(item && { item }),
    },
  };
}
