/** What is to be done next for a class C device (TS001-1.0.4 §17). */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { CauseCode } from '../base/causes.ts';
import type { FreeDownlinkRequest } from '../base/seams.ts';
import type { QueuedDownlink } from '../store/index.ts';
import { classCFrameBytes } from './class-c-frame.ts';
import { gatewayGroups } from './class-c-gateways.ts';
import { current } from './mac/index.ts';
import type { LiveSession } from './session-cache.ts';
import { classCWindow, rx1DelayMs } from './windows.ts';

const RX2_AFTER_RX1_MS = 1_000;
/** Distance of two downlinks to one device unless its settings say otherwise. */
const INTERVAL_MS = 1_000;
/** How long an acknowledgement is waited for unless the device's settings say otherwise. */
export const ANSWER_TIMEOUT_MS = 5 * 60_000;
/** A downlink with a time is handed over so long before it. */
const AHEAD_MS = 5_200;
const HIGH_PRIORITY = 5;

/** What is to be done for a session next. Times are those of the monotonic clock. */
export type Step =
  | { readonly kind: 'none' }
  /** Nobody can tell where the device listens. */
  | { readonly kind: 'unknown_window'; readonly item: QueuedDownlink }
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** The device did not acknowledge in time. */
  | { readonly kind: 'unanswered'; readonly downlink: ApplicationDownlink }
  /** It can never be sent. */
  | { readonly kind: 'fail'; readonly item: QueuedDownlink; readonly cause: CauseCode }
  | {
      readonly kind: 'send';
      readonly item: QueuedDownlink;
      /** One transmission each; without an entry no gateway is known. */
      readonly requests: readonly Omit<FreeDownlinkRequest, 'phyPayload'>[];
    };

function durationMs(
  duration: { readonly seconds: bigint; readonly nanos: number } | undefined,
): number | undefined {
  return duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** The time a downlink is to be sent at, on the wall clock, if it has one. */
export function absoluteMs({ classBC }: ApplicationDownlink): number | undefined {
  return classBC?.absoluteTime && timestampMs(classBC.absoluteTime);
}

/** When the device is next free to hear something outside its windows, on the monotonic clock. */
function freeAtMs({ mac, device, activity }: LiveSession): number {
  const { lastUplink, lastDownlink } = activity;
  const intervalMs = durationMs(device.message.macSettings?.classBCDownlinkInterval) ?? INTERVAL_MS;
  return Math.max(
    lastUplink
      ? lastUplink.receivedMonotonicMs + rx1DelayMs(current(mac)) + RX2_AFTER_RX1_MS
      : Number.NEGATIVE_INFINITY,
    (lastDownlink?.startMonotonicMs ?? Number.NEGATIVE_INFINITY) + intervalMs,
    lastDownlink?.endMonotonicMs ?? Number.NEGATIVE_INFINITY,
  );
}

/** How long a device has to acknowledge. */
export function answerTimeoutMs({ device }: Pick<LiveSession, 'device'>): number {
  return durationMs(device.message.macSettings?.classCTimeout) ?? ANSWER_TIMEOUT_MS;
}

/** When the device has to have acknowledged, on the wall clock; undefined if nothing is waited for. */
export function answerDueMs({ mac, device }: LiveSession): number | undefined {
  const { pendingApplicationDownlink, lastConfirmedDownlinkAt } = mac;
  if (!pendingApplicationDownlink || !lastConfirmedDownlinkAt) return undefined;
  return timestampMs(lastConfirmedDownlinkAt) + answerTimeoutMs({ device });
}

/** The entry at the head of the queue: now, later or never. */
export function stepFor(
  session: LiveSession,
  item: QueuedDownlink,
  now: { readonly wallMs: number; readonly monotonicMs: number },
): Step {
  const { downlink } = item;
  const { profile, mac } = session;
  const window = profile && classCWindow(profile, current(mac));
  if (!window) return { kind: 'unknown_window', item };
  if (classCFrameBytes(item) > window.maxPhyPayloadBytes)
    return { kind: 'fail', item, cause: 'application_downlink_too_long' };
  const atMs = absoluteMs(downlink);
  if (atMs !== undefined && atMs <= now.wallMs)
    return { kind: 'fail', item, cause: 'expired_downlink' };
  const dueMs = answerDueMs(session);
  if (downlink.confirmed && dueMs !== undefined)
    return { kind: 'wait', untilMs: now.monotonicMs + dueMs - now.wallMs };
  const startMs =
    atMs === undefined ? freeAtMs(session) : now.monotonicMs + atMs - AHEAD_MS - now.wallMs;
  if (startMs > now.monotonicMs) return { kind: 'wait', untilMs: startMs };
  const requests = gatewayGroups(session, downlink).map((gateways) => ({
    window,
    gateways,
    keepsOrder: (downlink.classBC?.gateways.length ?? 0) > 0,
    bandId: profile.band.id,
    phyVersion: profile.band.phyVersion,
    frequencyPlanId: profile.plan.id,
    priority: Math.min(downlink.priority, HIGH_PRIORITY),
    ...(atMs !== undefined && { atMs }),
  }));
  return { kind: 'send', item, requests };
}
