import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { Direction, type Frame } from '../api/gen/gatehouse/v1/frames_pb.js';
import {
  type MACState,
  MACState_DownlinkMessageSchema,
  MACState_UplinkMessageSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MType } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { OUTCOME } from '../base/causes.ts';
import { decodeFrame, devAddrToBytes } from '../lorawan/index.ts';
import { uplinkPayload } from '../seams/uplink-payload.ts';
import type { FrameStore, NetworkSession } from '../store/index.ts';

/** Uplinks and downlinks that a MAC state tells of. */
const KEPT_UPLINKS = 20;
const KEPT_DOWNLINKS = 5;
/** Frames that are looked at for them; refused and repeated ones lie between. */
const FRAMES_READ = 60;

/** An uplink of a session, with how often it was heard. */
export interface RecordedUplink {
  readonly frame: Frame;
  readonly transmissions: number;
}

/** What the frame log has of a session; oldest first. */
export interface RecentTraffic {
  /** Accepted ones; the join-request that led to the session comes first. */
  readonly uplinks: readonly RecordedUplink[];
  /** The same with each repetition of a frame. */
  readonly heard: readonly Frame[];
  /** Those a gateway took. */
  readonly downlinks: readonly Frame[];
}

function isTaken({ verdict }: Frame): boolean {
  return verdict?.outcome === OUTCOME.SCHEDULED || verdict?.outcome === OUTCOME.TRANSMITTED;
}

/** Whether a frame is one of the session: its join-request, or sent since its start. */
function belongsTo(
  { devAddr, startedAtMs }: Pick<NetworkSession, 'devAddr' | 'startedAtMs'>,
  { endDeviceIds, fType, time }: Frame,
): boolean {
  if (!endDeviceIds || !sameBytes(endDeviceIds.devAddr, devAddrToBytes(devAddr))) return false;
  if (fType.startsWith('JOIN_') || fType === 'REJOIN_REQUEST') return true;
  return time !== undefined && timestampMs(time) >= startedAtMs;
}

/**
 * The newest frames of a session, as the log of frames has them. They are not stored once more with the session: that
 * would make every uplink write all of them.
 */
export function recentTraffic(
  frames: Pick<FrameStore, 'recentOfDevice'>,
  device: { readonly applicationId: string; readonly deviceId: string },
  session: Pick<NetworkSession, 'devAddr' | 'startedAtMs'>,
): RecentTraffic {
  const own = frames
    .recentOfDevice(device, FRAMES_READ)
    .filter((frame) => belongsTo(session, frame));
  const heard = own.filter(
    ({ direction, verdict }) =>
      direction === Direction.UPLINK &&
      (verdict?.outcome === OUTCOME.ACCEPTED || verdict?.cause === 'duplicate_uplink'),
  );
  const uplinks: RecordedUplink[] = [];
  let repetitions = 0;
  for (const frame of heard) {
    if (frame.verdict?.outcome === OUTCOME.ACCEPTED) {
      uplinks.push({ frame, transmissions: 1 + repetitions });
      repetitions = 0;
    } else repetitions += 1;
  }
  const downlinks = own
    .filter((frame) => frame.direction === Direction.DOWNLINK && isTaken(frame))
    .slice(0, KEPT_DOWNLINKS);
  return {
    uplinks: uplinks.slice(0, KEPT_UPLINKS).reverse(),
    heard: heard.slice(0, KEPT_UPLINKS).reverse(),
    downlinks: downlinks.reverse(),
  };
}

const M_TYPES: Readonly<Record<string, MType>> = {
  JOIN_ACCEPT: MType.JOIN_ACCEPT,
  UNCONFIRMED_DOWN: MType.UNCONFIRMED_DOWN,
  CONFIRMED_DOWN: MType.CONFIRMED_DOWN,
};

function channelIndexOf({ verdict }: Frame): number {
  const facts = verdict?.stages.flatMap(({ evidence }) => evidence) ?? [];
  const value = facts.find(({ name }) => name === 'channel_index')?.value;
  return value?.case === 'number' ? value.value : 0;
}

function correlationIdsOf({ receptions }: Frame): string[] {
  const [first] = receptions;
  return first ? [`gs:uplink:${first.id}`] : [];
}

function uplinkMessage(frame: Frame, index: number, { length }: readonly Frame[]) {
  const payload = uplinkPayload(decodeFrame(frame.phyPayload));
  const rxMetadata = frame.receptions.flatMap(({ gatewayId, gatewayEui, antennas }) =>
    antennas.map(({ channelRssiDbm, snrDb }) => ({
      gatewayIds: { gatewayId, eui: gatewayEui },
      channelRssi: channelRssiDbm ?? 0,
      snr: snrDb ?? 0,
    })),
  );
  const message: MessageInitShape<typeof MACState_UplinkMessageSchema> = {
    ...(payload && { payload }),
    settings: { ...(frame.dataRate && { dataRate: frame.dataRate }) },
    rxMetadata,
    ...(frame.time && { receivedAt: frame.time }),
    // Only the newest is still answered.
    correlationIds: index === length - 1 ? correlationIdsOf(frame) : [],
    deviceChannelIndex: channelIndexOf(frame),
  };
  return create(MACState_UplinkMessageSchema, message);
}

function downlinkMessage({ fType, fPort, fullFCnt }: Frame) {
  const mType = M_TYPES[fType] ?? MType.PROPRIETARY;
  return create(MACState_DownlinkMessageSchema, {
    payload: {
      mHdr: { mType },
      ...(fullFCnt !== undefined && { macPayload: { fPort: fPort ?? 0, fullFCnt } }),
    },
  });
}

/** When a downlink went, or was to go, on air. */
function sentAt({ time, transmission }: Frame) {
  if (!time) return undefined;
  const { scheduledAt, marginMs = 0 } = transmission ?? {};
  return timestampFromMs(timestampMs(scheduledAt ?? time) + Math.round(marginMs));
}

/** Adds to a MAC state what was sent and heard lately; it is read from the log of frames. */
export function describeTraffic(mac: MACState, { heard, downlinks }: RecentTraffic): void {
  mac.recentUplinks = heard.map(uplinkMessage);
  mac.recentDownlinks = downlinks.map(downlinkMessage);
  const newest = heard.at(-1);
  const last = downlinks.at(-1);
  // A downlink names the uplink whose windows it used; class C ones use none.
  mac.rxWindowsAvailable =
    newest !== undefined && !downlinks.some((frame) => frame.uplinkFrameId === newest.id);
  const lastAt = last && sentAt(last);
  if (lastAt) mac.lastDownlinkAt = lastAt;
  const lastOwn = downlinks.findLast((frame) => frame.uplinkFrameId === 0n);
  const lastOwnAt = lastOwn && sentAt(lastOwn);
  if (lastOwnAt) mac.lastNetworkInitiatedDownlinkAt = lastOwnAt;
}
