/** Which gateways reach a class C device, and which of their answers end its downlinks. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type MACState,
  MACState_UplinkMessageSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { CauseCode } from '../base/causes.ts';
import type { GatewayChoice, ScheduleRefusal } from '../base/seams.ts';
import { dataRateMessage } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { downlinkPaths, rxMetadata } from './receptions.ts';
import type { LiveSession } from './session-cache.ts';

/** Gateways that may transmit: one list for each transmission. */
export function gatewayGroups(
  session: LiveSession,
  { classBC }: ApplicationDownlink,
): readonly (readonly GatewayChoice[])[] {
  const chosen = classBC?.gateways ?? [];
  if (chosen.length === 0) {
    const heard = gatewaysInReach(session);
    return heard.length > 0 ? [heard.map((gatewayId) => ({ gatewayId, antennaIndex: 0 }))] : [];
  }
  const groups = new Map<number, GatewayChoice[]>();
  for (const { gatewayIds, antennaIndex, groupIndex } of chosen) {
    const group = groups.get(groupIndex) ?? [];
    groups.set(groupIndex, [...group, { gatewayId: gatewayIds?.gatewayId ?? '', antennaIndex }]);
  }
  return [...groups.values()];
}

/** Ids of the gateways that heard the device's newest uplink, the best first. */
function gatewaysInReach({ activity, mac }: LiveSession): string[] {
  if (activity.lastGroup)
    return downlinkPaths(activity.lastGroup.receptions).map(({ gatewayId }) => gatewayId);
  const known = mac.recentUplinks.at(-1)?.rxMetadata ?? [];
  return known.map(({ gatewayIds }) => gatewayIds?.gatewayId ?? '');
}

/**
 * Notes in the MAC state through which gateways a class C device is reached, so that a restart does not have to wait for
 * its next uplink. Answers whether that is news: the same gateways in another order are not worth a write.
 */
export function rememberGateways(mac: MACState, { receptions, first }: UplinkGroup): boolean {
  const paths = downlinkPaths(receptions);
  const known = mac.recentUplinks.at(-1)?.rxMetadata ?? [];
  const ids = new Set(known.map(({ gatewayIds }) => gatewayIds?.gatewayId));
  if (ids.size === paths.length && paths.every(({ gatewayId }) => ids.has(gatewayId))) return false;
  mac.recentUplinks = [
    create(MACState_UplinkMessageSchema, {
      settings: { dataRate: dataRateMessage(first.uplink.modulation) },
      rxMetadata: paths.map((path) => {
        const { gatewayIds, channelRssi, snr } = rxMetadata([path])[0] ?? {};
        return { ...(gatewayIds && { gatewayIds }), channelRssi: channelRssi ?? 0, snr: snr ?? 0 };
      }),
      receivedAt: timestampFromMs(first.receivedAtMs),
    }),
  ];
  return true;
}

/** Reasons that waiting does not end: somebody has to change a setting. */
const LASTING: ReadonlySet<string> = new Set([
  'gateway_not_found',
  'downlink_not_allowed',
  'frequency_plan_mismatch',
  'sub_band_not_found',
  'dwell_time',
  'tx_power',
] satisfies CauseCode[]);

/**
 * Whether a downlink fails that no gateway takes now. One for chosen gateways fails for lasting reasons at once, and for
 * gateways that are away when they were away for the time a device has to answer. Without chosen gateways it waits for
 * whichever gateway hears the device next.
 */
export function isHopeless(
  { classBC }: ApplicationDownlink,
  refusals: readonly ScheduleRefusal[],
  waited: { readonly ms: number; readonly limitMs: number },
): boolean {
  if (classBC?.absoluteTime) return true;
  if (!classBC || classBC.gateways.length === 0 || refusals.length === 0) return false;
  const isAway = ({ cause }: ScheduleRefusal): boolean => cause === 'no_downlink_path';
  const isLasting = ({ cause }: ScheduleRefusal): boolean => LASTING.has(cause);
  if (refusals.every(isLasting)) return true;
  return (
    waited.ms >= waited.limitMs &&
    refusals.every((refusal) => isLasting(refusal) || isAway(refusal))
  );
}
