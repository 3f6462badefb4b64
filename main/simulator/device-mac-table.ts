/**
 * MAC commands a network sends, as a device's firmware knows them: their identifiers, their lengths, and the version that
 * brought them. Written from the specification, apart from the network's command tables.
 */
import { DEVICE_MAC_VERSIONS, type DeviceMacVersion } from './device-radio-settings.ts';

export const CID = {
  RESET: 0x01,
  LINK_CHECK: 0x02,
  LINK_ADR: 0x03,
  DUTY_CYCLE: 0x04,
  RX_PARAM_SETUP: 0x05,
  DEV_STATUS: 0x06,
  NEW_CHANNEL: 0x07,
  RX_TIMING_SETUP: 0x08,
  TX_PARAM_SETUP: 0x09,
  DL_CHANNEL: 0x0a,
  REKEY: 0x0b,
  ADR_PARAM_SETUP: 0x0c,
  DEVICE_TIME: 0x0d,
  FORCE_REJOIN: 0x0e,
  REJOIN_PARAM_SETUP: 0x0f,
  DEVICE_MODE: 0x20,
} as const;

/** Bytes after the CID of what a network sends, and since which version. Those of class B are unknown to such a device. */
const DOWNLINK: ReadonlyMap<number, readonly [length: number, since: DeviceMacVersion]> = new Map([
  [CID.RESET, [1, '1.1']],
  [CID.LINK_CHECK, [2, '1.0.2']],
  [CID.LINK_ADR, [4, '1.0.2']],
  [CID.DUTY_CYCLE, [1, '1.0.2']],
  [CID.RX_PARAM_SETUP, [4, '1.0.2']],
  [CID.DEV_STATUS, [0, '1.0.2']],
  [CID.NEW_CHANNEL, [5, '1.0.2']],
  [CID.RX_TIMING_SETUP, [1, '1.0.2']],
  [CID.TX_PARAM_SETUP, [1, '1.0.2']],
  [CID.DL_CHANNEL, [4, '1.0.2']],
  [CID.REKEY, [1, '1.1']],
  [CID.ADR_PARAM_SETUP, [1, '1.1']],
  [CID.DEVICE_TIME, [5, '1.0.3']],
  [CID.FORCE_REJOIN, [2, '1.1']],
  [CID.REJOIN_PARAM_SETUP, [1, '1.1']],
  [CID.DEVICE_MODE, [1, '1.1']],
]);

/** A command as it stood in a downlink. */
export interface RawCommand {
  readonly cid: number;
  readonly payload: Uint8Array;
}

function hexByte(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
}

function lengthOf(cid: number, version: DeviceMacVersion): number | undefined {
  const row = DOWNLINK.get(cid);
  if (!row) return undefined;
  const [length, since] = row;
  return DEVICE_MAC_VERSIONS.indexOf(version) >= DEVICE_MAC_VERSIONS.indexOf(since)
    ? length
    : undefined;
}

/** Takes the commands of a downlink apart; reading ends at one that the version does not know, or that is cut short. */
export function splitCommands(
  bytes: Uint8Array,
  version: DeviceMacVersion,
): { readonly commands: readonly RawCommand[]; readonly problem: string | undefined } {
  const commands: RawCommand[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const cid = bytes[offset] ?? 0;
    const length = lengthOf(cid, version);
    if (length === undefined)
      return { commands, problem: `The network sent an unknown MAC command ${hexByte(cid)}.` };
    const end = offset + 1 + length;
    if (end > bytes.length)
      return { commands, problem: `MAC command ${hexByte(cid)} from the network is cut short.` };
    commands.push({ cid, payload: bytes.subarray(offset + 1, end) });
    offset = end;
  }
  return { commands, problem: undefined };
}
