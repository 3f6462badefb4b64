import { timestampMs } from '@bufbuild/protobuf/wkt';
import { encodeMacCommand, type MacCommand } from '../lorawan/index.ts';
import type { DeviceProfile } from './device-profile.ts';
import { MAC_REQUESTS, type RequestContext } from './mac/index.ts';
import type { LiveSession } from './session-cache.ts';

/** MAC commands of one downlink. */
export interface DownlinkCommands {
  /** In the clear. */
  readonly bytes: Uint8Array;
  readonly requests: readonly MacCommand[];
  /** Some did not fit and wait. */
  readonly isCut: boolean;
}

/** Answers to the device, then requests that bring it closer to what the network wants, as far as they fit. */
export function collectCommands(
  session: LiveSession,
  profile: DeviceProfile,
  uplink: { readonly answers: readonly MacCommand[]; readonly fullFCnt: number },
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
  for (const request of MAC_REQUESTS) {
    if (activity.stickyAnswers.has(request.answer)) continue;
    const commands = request.build(context);
    const blocks = request.isDivisible ? commands.map((command) => [command]) : [commands];
    for (const block of blocks) if (block.length > 0 && add(block)) requests.push(...block);
  }
  return { bytes: Uint8Array.from(bytes), requests, isCut };
}
