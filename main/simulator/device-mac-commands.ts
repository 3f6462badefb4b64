/**
 * MAC commands as a device without class B reads and answers them. Bytes are taken apart here from the specification, not
 * with the network's command tables. TS001-1.0.3 §5, LoRaWAN 1.1 §5.
 */
import { applyLinkAdrBlock, type LinkAdrRequest, readLinkAdrRequest } from './device-link-adr.ts';
import { answer, handleRadioCommand, type PendingAnswer } from './device-mac-radio.ts';
import { CID, type RawCommand, splitCommands } from './device-mac-table.ts';
import type { DeviceClass, RadioSettings } from './device-radio-settings.ts';

export interface LinkCheck {
  /** dB above the demodulation floor at the best gateway. */
  readonly marginDb: number;
  readonly gatewayCount: number;
}

/** Time of the network at the end of the uplink that asked for it. */
export interface DeviceTime {
  /** Seconds since 1980-01-06T00:00:00Z, leap seconds included. */
  readonly gpsSeconds: number;
}

/** Rejoin-requests that the network demands (LoRaWAN 1.1 §5.13). */
export interface ForcedRejoin {
  readonly rejoinType: 0 | 2;
  readonly dataRateIndex: number;
  /** Transmissions until one is answered. */
  readonly attempts: number;
  /** Each pause lasts this long and up to 32 s more. */
  readonly periodS: number;
}

/** What a command means beyond the radio settings. */
export type MacEffect =
  | { readonly kind: 'link_check'; readonly linkCheck: LinkCheck }
  | { readonly kind: 'device_time'; readonly time: DeviceTime }
  | { readonly kind: 'rekey_confirmed' | 'reset_confirmed' }
  | { readonly kind: 'mode_confirmed'; readonly deviceClass: DeviceClass }
  | { readonly kind: 'force_rejoin'; readonly rejoin: ForcedRejoin };

export interface MacCommandInput {
  readonly settings: RadioSettings;
  readonly commands: Uint8Array;
  /** Signal-to-noise ratio of the frame that carried the commands. */
  readonly snrDb: number;
  /** 0 external power, 1 to 254 level, 255 unknown. */
  readonly battery: number;
}

export interface MacCommandOutcome {
  readonly settings: RadioSettings;
  readonly answers: readonly PendingAnswer[];
  readonly effects: readonly MacEffect[];
  /** Why reading stopped before the end. */
  readonly problem: string | undefined;
}

interface Step {
  readonly settings?: RadioSettings;
  readonly answer?: PendingAnswer;
  readonly effect?: MacEffect;
}

const FORCED_REJOIN_UNIT_S = 32;
const MINOR_VERSION = 1;
const CLASS_C = 2;

function devStatus(input: MacCommandInput): PendingAnswer {
  const marginDb = Math.max(-32, Math.min(31, Math.round(input.snrDb)));
  return answer(CID.DEV_STATUS, [input.battery, marginDb & 0x3f]);
}

function forceRejoin(payload: Uint8Array): MacEffect {
  const bits = (payload[0] ?? 0) | ((payload[1] ?? 0) << 8);
  const rejoin: ForcedRejoin = {
    dataRateIndex: bits & 0x0f,
    // 1 is treated as 0, and so is what is reserved.
    rejoinType: ((bits >> 4) & 0x07) === 2 ? 2 : 0,
    attempts: 1 + ((bits >> 8) & 0x07),
    periodS: FORCED_REJOIN_UNIT_S * 2 ** ((bits >> 11) & 0x07),
  };
  return { kind: 'force_rejoin', rejoin };
}

function rejoinParamSetup(settings: RadioSettings, byte: number): Step {
  const rejoinPeriod = { uplinks: 2 ** ((byte & 0x0f) + 4), seconds: 2 ** ((byte >> 4) + 10) };
  return {
    settings: { ...settings, rejoinPeriod },
    // This device can keep the time as well.
    answer: answer(CID.REJOIN_PARAM_SETUP, [1]),
  };
}

function deviceTime(payload: Uint8Array): MacEffect {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const gpsSeconds = view.getUint32(0, true) + view.getUint8(4) / 256;
  return { kind: 'device_time', time: { gpsSeconds } };
}

/** A confirmation counts for the minor version this device speaks. */
function confirmed(kind: 'rekey_confirmed' | 'reset_confirmed', byte: number): Step {
  return (byte & 0x0f) === MINOR_VERSION ? { effect: { kind } } : {};
}

/** One command that is not LinkADRReq. */
function step(settings: RadioSettings, { cid, payload }: RawCommand, input: MacCommandInput): Step {
  const radio = handleRadioCommand(settings, cid, payload);
  if (radio) return radio;
  const first = payload[0] ?? 0;
  switch (cid) {
    case CID.LINK_CHECK: {
      const linkCheck = { marginDb: first, gatewayCount: payload[1] ?? 0 };
      return { effect: { kind: 'link_check', linkCheck } };
    }
    case CID.DEV_STATUS:
      return { answer: devStatus(input) };
    case CID.DEVICE_TIME:
      return { effect: deviceTime(payload) };
    case CID.REKEY:
      return confirmed('rekey_confirmed', first);
    case CID.RESET:
      return confirmed('reset_confirmed', first);
    case CID.FORCE_REJOIN:
      return { effect: forceRejoin(payload) };
    case CID.REJOIN_PARAM_SETUP:
      return rejoinParamSetup(settings, first);
    case CID.DEVICE_MODE:
      return { effect: { kind: 'mode_confirmed', deviceClass: first === CLASS_C ? 'C' : 'A' } };
    default:
      return {};
  }
}

/** The LinkADRReqs from a position on, which count as one. */
function linkAdrBlock(commands: readonly RawCommand[], from: number): readonly LinkAdrRequest[] {
  const behind = commands.findIndex(({ cid }, at) => at > from && cid !== CID.LINK_ADR);
  return commands
    .slice(from, behind < 0 ? undefined : behind)
    .map(({ payload }) => readLinkAdrRequest(payload));
}

/** Reads the commands of one downlink, applies them in order and collects the answers in that order. */
export function handleMacCommands(input: MacCommandInput): MacCommandOutcome {
  const { macVersion } = input.settings;
  const { commands, problem } = splitCommands(input.commands, macVersion);
  let { settings } = input;
  const answers: PendingAnswer[] = [];
  const effects: MacEffect[] = [];
  for (let at = 0; at < commands.length; at += 1) {
    const command = commands[at];
    if (!command) break;
    if (command.cid === CID.LINK_ADR) {
      const block = linkAdrBlock(commands, at);
      const result = applyLinkAdrBlock(settings, block);
      settings = result.settings;
      // One answer for each request, in LoRaWAN 1.1 a single one (§5.3).
      const count = macVersion === '1.1' ? 1 : block.length;
      for (let n = 0; n < count; n += 1) answers.push(answer(CID.LINK_ADR, [result.status]));
      at += block.length - 1;
      continue;
    }
    const result = step(settings, command, input);
    settings = result.settings ?? settings;
    if (result.answer) answers.push(result.answer);
    if (result.effect) effects.push(result.effect);
  }
  return { settings, answers, effects, problem };
}

/** LinkCheckReq, to be put in front of other answers. */
export function linkCheckRequest(): PendingAnswer {
  return answer(CID.LINK_CHECK, []);
}

/** DeviceTimeReq, to be put in front of other answers. */
export function deviceTimeRequest(): PendingAnswer {
  return answer(CID.DEVICE_TIME, []);
}

/** RekeyInd or ResetInd. */
export function indicationCommand(indication: 'rekey' | 'reset'): PendingAnswer {
  return answer(indication === 'rekey' ? CID.REKEY : CID.RESET, [MINOR_VERSION]);
}

/** DeviceModeInd of a device that listens all the time. */
export function deviceModeIndication(): PendingAnswer {
  return answer(CID.DEVICE_MODE, [CLASS_C]);
}
