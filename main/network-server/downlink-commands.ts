import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  encodeMacCommand,
  isAtLeast,
  type MacCommand,
  macCommandLength,
  maxMacPayload,
} from '../lorawan/index.ts';
import type { DeviceProfile } from './device-profile.ts';
import {
  current,
  MAC_REQUESTS,
  type MacRequest,
  type RequestContext,
  stickyAnswers,
} from './mac/index.ts';
import type { LiveSession } from './session-cache.ts';
import { uplinkDwellTime } from './windows.ts';

/** MAC commands of one downlink. */
export interface DownlinkCommands {
  /** In the clear. */
  readonly bytes: Uint8Array;
  readonly requests: readonly MacCommand[];
  /** Some did not fit and wait. */
  readonly isCut: boolean;
}

/** FHDR without FOpts, and FPort. */
const HEADER_BYTES = 8;
/** FCtrl of an uplink and its ADR bit. */
const F_CTRL_OFFSET = 5;
const ADR_BIT = 0x80;

/**
 * Bytes the device has for its answers in the next uplink. LoRaWAN 1.1 lets it leave out what does not fit (§5), so it is
 * not asked for more; devices of earlier versions are. Without ADR the device may take its lowest data rate.
 */
function roomForAnswers(
  session: LiveSession,
  { band, macVersion, plan }: DeviceProfile,
  lastRate: number,
): number {
  if (!isAtLeast(macVersion, '1.1.0')) return Number.POSITIVE_INFINITY;
  const usesAdr = ((session.activity.lastUplink?.phyPayload[F_CTRL_OFFSET] ?? 0) & ADR_BIT) !== 0;
  const dwellTime = uplinkDwellTime({ band, plan }, current(session.mac));
  const limitOf = (rate: number): number => maxMacPayload(band, rate, dwellTime) ?? 0;
  const rates = [...band.dataRates].flatMap(([rate, { direction }]) =>
    direction !== 'down' && limitOf(rate) > HEADER_BYTES ? [rate] : [],
  );
  const lowest = Math.min(...rates);
  return limitOf(usesAdr ? lastRate : lowest) - HEADER_BYTES;
}

/** Bytes of the answers to a block of requests; a 1.1 device answers a block of LinkADRReqs once. */
function answerBytes(request: MacRequest, block: readonly MacCommand[]): number {
  return macCommandLength(request.answer) * (request.isDivisible ? block.length : 1);
}

/** Answers to the device, then requests that bring it closer to what the network wants, as far as they fit. */
export function collectCommands(
  session: LiveSession,
  profile: DeviceProfile,
  uplink: {
    readonly answers: readonly MacCommand[];
    readonly fullFCnt: number;
    readonly dataRateIndex: number;
  },
  limits: { readonly maxBytes: number; readonly nowMs: number },
): DownlinkCommands {
  const { frequencyMultiplierHz } = profile.band;
  const { activity, device, mac } = session;
  const bytes: number[] = [];
  const requests: MacCommand[] = [];
  let isCut = false;
  const add = (commands: readonly MacCommand[]): boolean => {
    const encoded = commands.flatMap((command) => [
      ...encodeMacCommand(command, { frequencyMultiplierHz }),
    ]);
    const fits = bytes.length + encoded.length <= limits.maxBytes;
    if (fits) bytes.push(...encoded);
    else isCut = true;
    return fits;
  };
  for (const answer of uplink.answers) add([answer]);
  const reported = device.message.lastDevStatusReceivedAt;
  const context: RequestContext = {
    mac,
    band: profile.band,
    plan: profile.plan,
    macVersion: profile.macVersion,
    settings: device.message.macSettings,
    fullFCnt: uplink.fullFCnt,
    nowMs: limits.nowMs,
    requested: requests,
    devStatusAtMs: activity.devStatusAtMs ?? (reported && timestampMs(reported)),
  };
  const repeated = stickyAnswers(mac);
  let room = roomForAnswers(session, profile, uplink.dataRateIndex);
  for (const request of MAC_REQUESTS) {
    if (repeated.has(request.answer)) continue;
    const commands = request.build(context);
    const blocks = request.isDivisible ? commands.map((command) => [command]) : [commands];
    for (const block of blocks) {
      if (block.length === 0) continue;
      const needed = answerBytes(request, block);
      if (needed > room) isCut = true;
      else if (add(block)) {
        requests.push(...block);
        room -= needed;
      }
    }
  }
  return { bytes: Uint8Array.from(bytes), requests, isCut };
}
