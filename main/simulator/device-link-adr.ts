/** LinkADRReq as a device answers it. TS001-1.0.3 §5.2. */
import { type ChannelSet, channelAllows, withChannelMask } from './device-channels.ts';
import {
  countsJoins,
  mayUse,
  type RadioSettings,
  usableDataRate,
} from './device-radio-settings.ts';

export interface LinkAdrRequest {
  readonly dataRateIndex: number;
  readonly txPowerIndex: number;
  readonly channelMask: number;
  readonly channelMaskControl: number;
  readonly nbTrans: number;
}

export interface LinkAdrResult {
  /** Bit 0 channel mask, bit 1 data rate, bit 2 power; 7 means accepted. */
  readonly status: number;
  readonly settings: RadioSettings;
}

const KEEP = 15;

/** Reads the four bytes after the CID. */
export function readLinkAdrRequest(bytes: Uint8Array): LinkAdrRequest {
  const rateAndPower = bytes[0] ?? 0;
  const redundancy = bytes[3] ?? 0;
  return {
    dataRateIndex: rateAndPower >> 4,
    txPowerIndex: rateAndPower & 0x0f,
    channelMask: (bytes[1] ?? 0) | ((bytes[2] ?? 0) << 8),
    channelMaskControl: (redundancy >> 4) & 0x07,
    nbTrans: redundancy & 0x0f,
  };
}

/** Both versions that give 15 the meaning "as it is". TS001-1.0.4 §5.2, LoRaWAN 1.1 §5.3. */
const knowsKeep = ({ macVersion }: RadioSettings): boolean => countsJoins(macVersion);

/** All masks of a block in order; undefined as soon as one cannot be used or nothing stays enabled. */
function maskedChannels(
  settings: RadioSettings,
  block: readonly LinkAdrRequest[],
): ChannelSet | undefined {
  let channels: ChannelSet | undefined = settings.channels;
  for (const request of block) {
    channels = withChannelMask(
      settings.region,
      channels,
      request.channelMaskControl,
      request.channelMask,
    );
    if (!channels) return undefined;
  }
  return channels.some((channel) => channel.enabled) ? channels : undefined;
}

function nextNbTrans(settings: RadioSettings, requested: number): number {
  if (requested > 0) return requested;
  return settings.macVersion === '1.0.4' ? settings.nbTrans : 1;
}

/** Handles consecutive requests as one: either all of it is applied or nothing. The last request sets rate and power. */
export function applyLinkAdrBlock(
  settings: RadioSettings,
  block: readonly LinkAdrRequest[],
): LinkAdrResult {
  const last = block.at(-1);
  if (!last) return { status: 7, settings };
  const keeps = (value: number): boolean => knowsKeep(settings) && value === KEEP;
  const dataRateIndex = keeps(last.dataRateIndex)
    ? usableDataRate(settings, settings.dataRateIndex)
    : last.dataRateIndex;
  const txPowerIndex = keeps(last.txPowerIndex) ? settings.txPowerIndex : last.txPowerIndex;

  const channels = maskedChannels(settings, block);
  const judged = channels ?? settings.channels;
  const rateAck =
    mayUse(settings, dataRateIndex) &&
    judged.some((channel) => channel.enabled && channelAllows(channel, dataRateIndex));
  const powerAck = txPowerIndex <= settings.region.maxTxPowerIndex;
  const status = (channels ? 1 : 0) | (rateAck ? 2 : 0) | (powerAck ? 4 : 0);
  if (!channels || status !== 7) return { status, settings };
  return {
    status,
    settings: {
      ...settings,
      channels,
      dataRateIndex,
      txPowerIndex,
      nbTrans: nextNbTrans(settings, last.nbTrans),
    },
  };
}
