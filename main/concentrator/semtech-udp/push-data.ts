import type { AntennaReception, GatewayStatus, GatewayUplink } from '../../base/gateway-link.ts';
import { BODY_OFFSET, type DatagramIssue, parseBody } from './datagram.ts';
import { excerpt, isObject } from './lenient.ts';
import { parseRxpk } from './rxpk.ts';
import { parseStat } from './stat.ts';

/** Most packets one datagram may carry; a concentrator hands over at most 255 at a time. */
const MOST_PACKETS = 255;

/** What a PUSH_DATA said. */
export interface PushData {
  readonly uplinks: readonly GatewayUplink[];
  readonly status?: GatewayStatus;
  readonly issues: readonly DatagramIssue[];
  /** Whether it was a PUSH_DATA at all: JSON of the right shape, or empty. */
  readonly wellFormed: boolean;
}

const NO_ISSUES: readonly DatagramIssue[] = [];

function strength(antenna: AntennaReception | undefined): number {
  return antenna?.channelRssiDbm ?? antenna?.signalRssiDbm ?? Number.NEGATIVE_INFINITY;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/**
 * A strong frame is demodulated on neighbouring channels too. Of identical payloads in one datagram only the strongest
 * stays, at the place of the first.
 */
function withoutGhosts(uplinks: GatewayUplink[]): readonly GatewayUplink[] {
  if (uplinks.length < 2) return uplinks;
  const kept: GatewayUplink[] = [];
  for (const uplink of uplinks) {
    const at = kept.findIndex((other) => sameBytes(other.phyPayload, uplink.phyPayload));
    const other = kept[at];
    if (other === undefined) kept.push(uplink);
    else if (strength(uplink.antennas[0]) > strength(other.antennas[0])) kept[at] = uplink;
  }
  return kept;
}

/** Reads the body of a PUSH_DATA. Never throws; each unusable part is an issue. */
export function parsePushData(bytes: Uint8Array, gatewayEui: string): PushData {
  const { body, issue } = parseBody(bytes);
  if (issue) return { uplinks: [], issues: [issue], wellFormed: false };
  if (!body) return { uplinks: [], issues: NO_ISSUES, wellFormed: true };
  const issues: DatagramIssue[] = [];
  let where = '';
  const complain = (reason: string, detail: string): void => {
    issues.push({
      code: `gatehouse/udp:${reason}`,
      detail: `${where}: ${detail}`,
      offset: BODY_OFFSET,
      length: bytes.length - BODY_OFFSET,
    });
  };
  const uplinks: GatewayUplink[] = [];
  const packets = Array.isArray(body.rxpk) ? body.rxpk : body.rxpk === undefined ? [] : [body.rxpk];
  for (let index = 0; index < packets.length; index += 1) {
    where = `rxpk[${index}]`;
    if (index === MOST_PACKETS) {
      complain('too_many_packets', `${packets.length} packets; used the first ${MOST_PACKETS}.`);
      break;
    }
    const uplink = parseRxpk(packets[index], gatewayEui, complain);
    if (uplink) uplinks.push(uplink);
  }
  const result = { uplinks: withoutGhosts(uplinks), issues, wellFormed: true };
  if (body.stat === undefined) return result;
  if (isObject(body.stat)) return { ...result, status: parseStat(body.stat, gatewayEui) };
  where = 'stat';
  complain('bad_stat', `${excerpt(body.stat)} is no stat object.`);
  return result;
}
