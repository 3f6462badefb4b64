/** MAC commands that change how a device uses its radio. TS001-1.0.3 §5, LoRaWAN 1.1 §5. */
import { readFrequencyHz, withChannel, withoutChannel } from './device-channels.ts';
import { CID } from './device-mac-table.ts';
import { countsJoins, type RadioSettings } from './device-radio-settings.ts';

/** An answer waiting for the next uplink. */
export interface PendingAnswer {
  readonly bytes: Uint8Array;
  /** Repeated in every uplink until a class A downlink arrives. */
  readonly sticky: boolean;
}

export interface Answered {
  readonly settings: RadioSettings;
  /** Absent where the device stays silent. */
  readonly answer?: PendingAnswer;
}

/** MaxEIRP of TXParamSetupReq. TS001-1.0.3 §5.8. */
const MAX_EIRP_DBM = [8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36];
const UPLINK_DWELL_TIME = 0x10;
const DOWNLINK_DWELL_TIME = 0x20;

export function answer(cid: number, payload: readonly number[], sticky = false): PendingAnswer {
  return { bytes: Uint8Array.of(cid, ...payload), sticky };
}

function rxParamSetup(settings: RadioSettings, payload: Uint8Array): Answered {
  const rx2DataRateIndex = (payload[0] ?? 0) & 0x0f;
  const rx1DataRateOffset = ((payload[0] ?? 0) >> 4) & 0x07;
  const { region } = settings;
  const rx2FrequencyHz = readFrequencyHz(region, payload, 1);
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

function newChannel(settings: RadioSettings, payload: Uint8Array): Answered {
  const { region } = settings;
  if (region.fixedChannels) return { settings };
  const index = payload[0] ?? 0;
  const frequencyHz = readFrequencyHz(region, payload, 1);
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

function dlChannel(settings: RadioSettings, payload: Uint8Array): Answered {
  const { region } = settings;
  if (region.fixedChannels) return { settings };
  const index = payload[0] ?? 0;
  const downlinkFrequencyHz = readFrequencyHz(region, payload, 1);
  const channel = settings.channels.find((candidate) => candidate.index === index);
  const status = (region.isDownlinkFrequency(downlinkFrequencyHz) ? 1 : 0) | (channel ? 2 : 0);
  const reply = answer(CID.DL_CHANNEL, [status], true);
  if (status !== 3 || !channel) return { settings, answer: reply };
  const channels = withChannel(settings.channels, { ...channel, downlinkFrequencyHz });
  return { settings: { ...settings, channels }, answer: reply };
}

function txParamSetup(settings: RadioSettings, payload: Uint8Array): Answered {
  if (!settings.region.txParamSetup) return { settings };
  const byte = payload[0] ?? 0;
  const changed = {
    ...settings,
    maxEirpDbm: MAX_EIRP_DBM[byte & 0x0f] ?? settings.maxEirpDbm,
    uplinkDwellTime: (byte & UPLINK_DWELL_TIME) !== 0,
    downlinkDwellTime: (byte & DOWNLINK_DWELL_TIME) !== 0,
  };
  return {
    settings: changed,
    // Repeated since TS001-1.0.4 §5.8 and LoRaWAN 1.1 §5.8.
    answer: answer(CID.TX_PARAM_SETUP, [], countsJoins(settings.macVersion)),
  };
}

/** Handles one of the commands of this file; undefined for any other. */
export function handleRadioCommand(
  settings: RadioSettings,
  cid: number,
  payload: Uint8Array,
): Answered | undefined {
  const first = payload[0] ?? 0;
  switch (cid) {
    case CID.DUTY_CYCLE:
      return {
        settings: { ...settings, maxDutyCycleExponent: first & 0x0f },
        answer: answer(CID.DUTY_CYCLE, []),
      };
    case CID.RX_PARAM_SETUP:
      return rxParamSetup(settings, payload);
    case CID.NEW_CHANNEL:
      return newChannel(settings, payload);
    case CID.RX_TIMING_SETUP:
      return {
        settings: { ...settings, rx1DelayS: Math.max(1, first & 0x0f) },
        answer: answer(CID.RX_TIMING_SETUP, [], true),
      };
    case CID.TX_PARAM_SETUP:
      return txParamSetup(settings, payload);
    case CID.DL_CHANNEL:
      return dlChannel(settings, payload);
    case CID.ADR_PARAM_SETUP:
      return {
        settings: { ...settings, adrAckLimit: 2 ** (first >> 4), adrAckDelay: 2 ** (first & 0x0f) },
        answer: answer(CID.ADR_PARAM_SETUP, []),
      };
    default:
      return undefined;
  }
}
