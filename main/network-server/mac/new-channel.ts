import { create } from '@bufbuild/protobuf';
import {
  type MACParameters_Channel,
  MACParameters_ChannelSchema,
  type MACState,
  MACState_DataRateRangesSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { DataRateIndex } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { MacCommand, MacCommandNamed } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  rememberInOrder,
  takePending,
  type UplinkMacContext,
} from './context.ts';

function isRefused(mac: MACState, wanted: MACParameters_Channel): boolean {
  if (mac.rejectedFrequencies.includes(wanted.uplinkFrequency)) return true;
  const ranges = mac.rejectedDataRateRanges[String(wanted.uplinkFrequency)]?.ranges ?? [];
  return ranges.some(
    (range) =>
      range.minDataRateIndex === wanted.minDataRateIndex &&
      range.maxDataRateIndex === wanted.maxDataRateIndex,
  );
}

const NO_CHANNEL = create(MACParameters_ChannelSchema);

function isSame(now: MACParameters_Channel = NO_CHANNEL, wanted: MACParameters_Channel): boolean {
  if (wanted.uplinkFrequency === 0n) return now.uplinkFrequency === 0n;
  return (
    now.uplinkFrequency === wanted.uplinkFrequency &&
    now.minDataRateIndex === wanted.minDataRateIndex &&
    now.maxDataRateIndex === wanted.maxDataRateIndex
  );
}

/** The device takes the channel, or says whether frequency or data rates are in the way. */
export function handleNewChannelAns(
  context: UplinkMacContext,
  command: MacCommandNamed<'NewChannelAns'>,
): void {
  const { fields } = command;
  const { mac } = context;
  const request = takePending(mac, 'NewChannelReq');
  if (!request) return;
  const { channelIndex, frequencyHz, minDataRateIndex, maxDataRateIndex } = request.fields;
  const frequency = BigInt(frequencyHz);
  const rates = {
    minDataRateIndex: minDataRateIndex as DataRateIndex,
    maxDataRateIndex: maxDataRateIndex as DataRateIndex,
  };
  if (fields.frequencyAck && fields.dataRateAck) {
    const { channels } = current(mac);
    while (channels.length <= channelIndex) channels.push(create(MACParameters_ChannelSchema));
    channels[channelIndex] = create(MACParameters_ChannelSchema, {
      uplinkFrequency: frequency,
      downlinkFrequency: frequency,
      ...rates,
      enableUplink: frequencyHz !== 0,
    });
    context.report('new_channel.answer.accept', command);
    return;
  }
  if (!fields.frequencyAck) rememberInOrder(mac.rejectedFrequencies, frequency);
  if (!fields.dataRateAck) {
    const known = mac.rejectedDataRateRanges[String(frequency)]?.ranges ?? [];
    mac.rejectedDataRateRanges[String(frequency)] = create(MACState_DataRateRangesSchema, {
      ranges: [...known, rates],
    });
  }
  context.report('new_channel.answer.reject', command);
}

/** NewChannelReq: channels beyond the default ones, in bands that let them change (LoRaWAN 1.1 §5.7). */
export const newChannel: MacRequest = {
  request: 'NewChannelReq',
  answer: 'NewChannelAns',
  isSticky: false,
  isDivisible: true,
  build({ mac, band }) {
    if (!band.dynamicChannels) return [];
    const now = current(mac).channels;
    const goals = desired(mac).channels;
    const length = Math.max(now.length, goals.length);
    return Array.from({ length }, (_, channelIndex) => channelIndex).flatMap((channelIndex) => {
      // A channel nobody wants is taken away by a frequency of 0.
      const wanted = goals[channelIndex] ?? NO_CHANNEL;
      const isDefault = channelIndex < band.uplinkChannels.length;
      if (isDefault || isSame(now[channelIndex], wanted) || isRefused(mac, wanted)) return [];
      const { minDataRateIndex, maxDataRateIndex } = wanted;
      const frequencyHz = Number(wanted.uplinkFrequency);
      return [
        {
          name: 'NewChannelReq',
          fields: { channelIndex, frequencyHz, minDataRateIndex, maxDataRateIndex },
        },
      ] satisfies MacCommand[];
    });
  },
};
