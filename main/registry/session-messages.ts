import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type MACState,
  MACStateSchema,
  type Session,
  SessionSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { devAddrFromBytes, devAddrToBytes } from '../lorawan/index.ts';
import type { NetworkSession, NetworkSessionTable, SessionKind } from '../store/index.ts';
import { copyMessage } from './copy-message.ts';

/** A network session in the API's form. In LoRaWAN 1.0.x only FNwkSIntKey is shown: it is the NwkSKey. */
export function networkSessionMessage(session: NetworkSession): Session {
  const { fNwkSIntKey, sNwkSIntKey, nwkSEncKey } = session.keys;
  const isOneKey = sameBytes(fNwkSIntKey, sNwkSIntKey) && sameBytes(fNwkSIntKey, nwkSEncKey);
  return create(SessionSchema, {
    devAddr: devAddrToBytes(session.devAddr),
    keys: {
      sessionKeyId: session.sessionKeyId,
      fNwkSIntKey: { key: fNwkSIntKey },
      ...(!isOneKey && { sNwkSIntKey: { key: sNwkSIntKey }, nwkSEncKey: { key: nwkSEncKey } }),
    },
    lastFCntUp: session.lastFCntUp ?? 0,
    lastNFCntDown: session.lastNFCntDown ?? 0,
    lastConfFCntDown: session.lastConfFCntDown ?? 0,
    startedAt: timestampFromMs(session.startedAtMs),
  });
}

/** The MAC state of a session, if it has one. */
export function macStateOf(session: NetworkSession | undefined): MACState | undefined {
  return session && session.macState.length > 0
    ? fromBinary(MACStateSchema, session.macState)
    : undefined;
}

/** A counter of a message; zero counts as "none yet" unless a counter was there before. */
function counter(value: number, before: number | undefined): number | undefined {
  return value === 0 && before === undefined ? undefined : value;
}

/** A MAC state as it is stored: without the latest frames, which stand in the frame log, and without keys. */
function storedMacState(macState: MACState): Uint8Array {
  const copy = copyMessage(macState);
  copy.recentUplinks = [];
  copy.recentDownlinks = [];
  if (copy.queuedJoinAccept) delete copy.queuedJoinAccept.keys;
  return toBinary(MACStateSchema, copy);
}

/** Stores, replaces or deletes one of a device's network sessions. */
export function saveNetworkSession(
  table: NetworkSessionTable,
  change: {
    readonly deviceRow: number;
    readonly kind: SessionKind;
    /** The session of that kind so far. */
    readonly before: NetworkSession | undefined;
    readonly session: Session | undefined;
    readonly macState: MACState | undefined;
    readonly nowMs: number;
  },
): void {
  const { deviceRow, kind, before, session, macState, nowMs } = change;
  if (!session || session.devAddr.length === 0) {
    if (before) table.delete(before.id);
    return;
  }
  const fNwkSIntKey = session.keys?.fNwkSIntKey?.key ?? new Uint8Array(16);
  const sessionKeyId = session.keys?.sessionKeyId ?? new Uint8Array();
  const same =
    before !== undefined && sameBytes(before.sessionKeyId, sessionKeyId) ? before : undefined;
  const lastFCntUp = counter(session.lastFCntUp, same?.lastFCntUp);
  const lastNFCntDown = counter(session.lastNFCntDown, same?.lastNFCntDown);
  const lastConfFCntDown = counter(session.lastConfFCntDown, same?.lastConfFCntDown);
  const givenStart = session.startedAt && timestampMs(session.startedAt);
  table.put({
    deviceRow,
    kind,
    devAddr: devAddrFromBytes(session.devAddr),
    sessionKeyId,
    keys: {
      fNwkSIntKey,
      sNwkSIntKey: session.keys?.sNwkSIntKey?.key ?? fNwkSIntKey,
      nwkSEncKey: session.keys?.nwkSEncKey?.key ?? fNwkSIntKey,
    },
    ...(lastFCntUp !== undefined && { lastFCntUp }),
    ...(lastNFCntDown !== undefined && { lastNFCntDown }),
    ...(lastConfFCntDown !== undefined && { lastConfFCntDown }),
    // Counters that the API does not show go on as long as the session does.
    ...(same?.lastAFCntDown !== undefined && { lastAFCntDown: same.lastAFCntDown }),
    ...(same?.lastRjCount0 !== undefined && { lastRjCount0: same.lastRjCount0 }),
    startedAtMs: same?.startedAtMs ?? givenStart ?? nowMs,
    macState: macState ? storedMacState(macState) : new Uint8Array(),
  });
}
