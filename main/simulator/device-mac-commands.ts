/**
 * MAC commands as a class A device reads and answers them. Bytes are taken apart here from the specification, not with
 * the network's command tables. TS001-1.0.3 §5.
 */
import { readFrequencyHz, withChannel, withoutChannel } from './device-channels.ts';
import { applyLinkAdrBlock, type LinkAdrRequest, readLinkAdrRequest } from './device-link-adr.ts';
import type { RadioSettings } from './device-radio-settings.ts';

const CID = {
  LINK_CHECK: 0x02,
  LINK_ADR: 0x03,
  DUTY_CYCLE: 0x04,
  RX_PARAM_SETUP: 0x05,
  DEV_STATUS: 0x06,
  NEW_CHANNEL: 0x07,
  RX_TIMING_SETUP: 0x08,
  TX_PARAM_SETUP: 0x09,
  DL_CHANNEL: 0x0a,
  DEVICE_TIME: 0x0d,
} as const;

/** Bytes after the CID of the commands a network sends. */
const DOWNLINK_LENGTH: ReadonlyMap<number, number> = new Map([
  [CID.LINK_CHECK, 2],
  [CID.LINK_ADR, 4],
  [CID.DUTY_CYCLE, 1],
  [CID.RX_PARAM_SETUP, 4],
  [CID.DEV_STATUS, 0],
  [CID.NEW_CHANNEL, 5],
  [CID.RX_TIMING_SETUP, 1],
  [CID.TX_PARAM_SETUP, 1],
  [CID.DL_CHANNEL, 4],
  [CID.DEVICE_TIME, 5],
]);

/** An answer waiting for the next uplink. */
export interface PendingAnswer {
  readonly bytes: Uint8Array;
  /** Repeated in every uplink until a downlink arrives. */
  readonly sticky: boolean;
}

export interface LinkCheck {
  /** dB above the demodulation floor at the best gateway. */
  readonly marginDb: number;
  readonly gatewayCount: number;
}

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
  readonly linkCheck: LinkCheck | undefined;
  /** Why reading stopped before the end. */
  readonly problem: string | undefined;
}

interface RawCommand {
  readonly cid: number;
  readonly payload: Uint8Array;
}

interface StepResult {
  readonly settings: RadioSettings;
  readonly answer?: PendingAnswer;
}

function hexByte(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
}

function split(bytes: Uint8Array): {
  readonly commands: readonly RawCommand[];
  readonly problem: string | undefined;
} {
  const commands: RawCommand[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const cid = bytes[offset] ?? 0;
    const length = DOWNLINK_LENGTH.get(cid);
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

function answer(cid: number, payload: readonly number[], sticky = false): PendingAnswer {
  return { bytes: Uint8Array.of(cid, ...payload), sticky };
}

function rxParamSetup(settings: RadioSettings, payload: Uint8Array): StepResult {
  const rx2DataRateIndex = (payload[0] ?? 0) & 0x0f;
  const rx1DataRateOffset = ((payload[0] ?? 0) >> 4) & 0x07;
  const rx2FrequencyHz = readFrequencyHz(payload, 1);
  const { region } = settings;
  const status =
    (region.isDownlinkFrequency(rx2FrequencyHz) ? 1 : 0) |
    (region.dataRates.get(rx2DataRateIndex)?.downlink ? 2 : 0) |
    (rx1DataRateOffset <= region.maxRx1DataRateOffset ? 4 : 0);
  return {
    settings:
      status === 7
        ? { ...settings, rx2DataRateIndex, rx1DataRateOffset, rx2FrequencyHz }
        : settings,
    answer: answer(CID.RX_PARAM_SETUP, [status], true),
  };
}

function devStatus(input: MacCommandInput): PendingAnswer {
  const marginDb = Math.max(-32, Math.min(31, Math.round(input.snrDb)));
  return answer(CID.DEV_STATUS, [input.battery, marginDb & 0x3f]);
}

function newChannel(settings: RadioSettings, payload: Uint8Array): StepResult {
  const { region } = settings;
  if (region.fixedChannels) return { settings };
  const index = payload[0] ?? 0;
  const frequencyHz = readFrequencyHz(payload, 1);
  const minDataRateIndex = (payload[4] ?? 0) & 0x0f;
  const maxDataRateIndex = (payload[4] ?? 0) >> 4;
  const changeable = index >= region.defaultChannelCount && index < region.maxChannelCount;
  const ratesOk =
    minDataRateIndex <= maxDataRateIndex &&
    region.dataRates.get(minDataRateIndex)?.uplink === true &&
    region.dataRates.get(maxDataRateIndex)?.uplink === true;
  const removes = frequencyHz === 0;
  const status =
    (changeable && (removes || region.isUplinkFrequency(frequencyHz)) ? 1 : 0) |
    (changeable && (removes || ratesOk) ? 2 : 0);
  const reply = answer(CID.NEW_CHANNEL, [status]);
  if (status !== 3) return { settings, answer: reply };
  const channels = removes
    ? withoutChannel(settings.channels, index)
    : withChannel(settings.channels, {
        index,
        frequencyHz,
        minDataRateIndex,
        maxDataRateIndex,
        downlinkFrequencyHz: frequencyHz,
        enabled: true,
      });
  return { settings: { ...settings, channels }, answer: reply };
}

function dlChannel(settings: RadioSettings, payload: Uint8Array): StepResult {
  const { region } = settings;
  if (region.fixedChannels) return { settings };
  const index = payload[0] ?? 0;
  const downlinkFrequencyHz = readFrequencyHz(payload, 1);
  const channel = settings.channels.find((candidate) => candidate.index === index);
  const status = (region.isDownlinkFrequency(downlinkFrequencyHz) ? 1 : 0) | (channel ? 2 : 0);
  const reply = answer(CID.DL_CHANNEL, [status], true);
  if (status !== 3 || !channel) return { settings, answer: reply };
  const channels = withChannel(settings.channels, { ...channel, downlinkFrequencyHz });
  return { settings: { ...settings, channels }, answer: reply };
}

/** One command that is not LinkADRReq. TXParamSetupReq is not part of the two regions, so it stays unanswered. */
function step(settings: RadioSettings, command: RawCommand, input: MacCommandInput): StepResult {
  const first = command.payload[0] ?? 0;
  switch (command.cid) {
    case CID.DUTY_CYCLE:
      return {
        settings: { ...settings, maxDutyCycleExponent: first & 0x0f },
        answer: answer(CID.DUTY_CYCLE, []),
      };
    case CID.RX_PARAM_SETUP:
      return rxParamSetup(settings, command.payload);
    case CID.DEV_STATUS:
      return { settings, answer: devStatus(input) };
    case CID.NEW_CHANNEL:
      return newChannel(settings, command.payload);
    case CID.RX_TIMING_SETUP:
      return {
        settings: { ...settings, rx1DelayS: Math.max(1, first & 0x0f) },
        answer: answer(CID.RX_TIMING_SETUP, [], true),
      };
    case CID.DL_CHANNEL:
      return dlChannel(settings, command.payload);
    default:
      return { settings };
  }
}

/** Reads the commands of one downlink, applies them in order and collects the answers in that order. */
export function handleMacCommands(input: MacCommandInput): MacCommandOutcome {
  const { commands, problem } = split(input.commands);
  let settings = input.settings;
  let linkCheck: LinkCheck | undefined;
  const answers: PendingAnswer[] = [];
  for (let at = 0; at < commands.length; at += 1) {
    const command = commands[at];
    if (!command) break;
    if (command.cid === CID.LINK_ADR) {
      const block: LinkAdrRequest[] = [readLinkAdrRequest(command.payload)];
      for (let next = commands[at + 1]; next?.cid === CID.LINK_ADR; next = commands[at + 1]) {
        block.push(readLinkAdrRequest(next.payload));
        at += 1;
      }
      const result = applyLinkAdrBlock(settings, block);
      settings = result.settings;
      for (let count = 0; count < block.length; count += 1)
        answers.push(answer(CID.LINK_ADR, [result.status]));
      continue;
    }
    if (command.cid === CID.LINK_CHECK)
      linkCheck = { marginDb: command.payload[0] ?? 0, gatewayCount: command.payload[1] ?? 0 };
    const result = step(settings, command, input);
    settings = result.settings;
    if (result.answer) answers.push(result.answer);
  }
  return { settings, answers, linkCheck, problem };
}

/** LinkCheckReq, to be put in front of other answers. */
export function linkCheckRequest(): PendingAnswer {
  return answer(CID.LINK_CHECK, []);
}
