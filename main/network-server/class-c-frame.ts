import { clone, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { QueuedDownlink } from '../store/index.ts';
import { usesAdr } from './adr.ts';
import { overtaken } from './assemble-downlink.ts';
import type { NetworkStore } from './ports.ts';
import { sealDataDownlink } from './seal-data-downlink.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';

/** MHDR, FHDR without FOpts, FPort and MIC: a class C frame carries no MAC commands. */
const FIXED_BYTES = 13;

/** Length of the frame that carries this downlink outside the windows of an uplink. */
export function classCFrameBytes({ downlink }: QueuedDownlink): number {
  return FIXED_BYTES + downlink.frmPayload.length;
}

/** Replaces the confirmed downlink that waits for the device's answer; MAC requests go on waiting for theirs. */
function setWaiting(
  store: NetworkStore,
  session: LiveSession,
  downlink: ApplicationDownlink | undefined,
  nowMs: number,
): void {
  const mac = clone(MACStateSchema, session.mac);
  if (downlink) {
    mac.pendingApplicationDownlink = downlink;
    mac.lastConfirmedDownlinkAt = timestampFromMs(nowMs);
  } else delete mac.pendingApplicationDownlink;
  store.networkSessions.updateMacState(session.id, toBinary(MACStateSchema, mac));
  session.mac = mac;
}

/** Reserves the counter and seals the frame. Runs inside a unit: it may leave only once that is durable. */
export function sealClassC(
  store: NetworkStore,
  session: LiveSession,
  { downlink }: QueuedDownlink,
  nowMs: number,
): Uint8Array {
  const { fCnt, confirmed } = downlink;
  const { device, profile } = session;
  const isShared = !isLorawan11(session);
  store.networkSessions.updateCounters(session.id, {
    ...(isShared ? { lastNFCntDown: fCnt } : { lastAFCntDown: fCnt }),
    ...(confirmed && { lastConfFCntDown: fCnt }),
  });
  if (isShared) session.lastNFCntDown = fCnt;
  else session.lastAFCntDown = fCnt;
  if (confirmed) {
    session.lastConfFCntDown = fCnt;
    setWaiting(store, session, downlink, nowMs);
  }
  return sealDataDownlink(session, {
    fPort: downlink.fPort,
    frmPayload: downlink.frmPayload,
    confirmed,
    adr: profile !== undefined && usesAdr(profile.band, device.message.macSettings),
    ack: false,
    fPending: false,
    fullFCnt: fCnt,
    confFCnt: 0,
  });
}

/** Nothing is waited for any more if it was this downlink. Runs inside a unit. */
export function stopWaiting(
  store: NetworkStore,
  session: LiveSession,
  downlink: ApplicationDownlink,
): void {
  const waiting = session.mac.pendingApplicationDownlink;
  if (waiting?.fCnt === downlink.fCnt) setWaiting(store, session, undefined, 0);
}

/** The frame was sealed and no gateway took it: its counter stays used. Answers the entries that had counted on it. */
export function takeBackClassC(
  store: NetworkStore,
  session: LiveSession,
  { downlink }: QueuedDownlink,
): readonly ApplicationDownlink[] {
  stopWaiting(store, session, downlink);
  return overtaken(store, session, downlink.fCnt);
}
