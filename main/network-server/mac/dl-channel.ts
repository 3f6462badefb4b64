import { isAtLeast, type MacCommand, type MacCommandNamed } from '../../lorawan/index.ts';
import {
  current,
  desired,
  type MacRequest,
  rememberInOrder,
  takePending,
  type UplinkMacContext,
} from './context.ts';

/** The device listens for RX1 of the channel elsewhere from now on, or says that it cannot. */
export function handleDlChannelAns(
  context: UplinkMacContext,
  command: MacCommandNamed<'DlChannelAns'>,
): void {
  const { mac } = context;
  const request = takePending(mac, 'DlChannelReq');
  if (!request) return;
  const { frequencyAck, channelIndexAck } = command.fields;
  const frequency = BigInt(request.fields.frequencyHz);
  const channel = current(mac).channels[request.fields.channelIndex];
  if (frequencyAck && channelIndexAck && channel) {
    channel.downlinkFrequency = frequency;
    context.report('dl_channel.answer.accept', command);
    return;
  }
  if (!frequencyAck) rememberInOrder(mac.rejectedFrequencies, frequency);
  context.report('dl_channel.answer.reject', command);
}

/**
 * DlChannelReq: another RX1 frequency for a channel, in bands that let channels change (LoRaWAN 1.1 §5.7). Only for
 * channels that the device already has with the uplink frequency the network wants.
 */
export const dlChannel: MacRequest = {
  request: 'DlChannelReq',
  answer: 'DlChannelAns',
  isSticky: true,
  isDivisible: true,
  build({ mac, band, macVersion }) {
    if (!band.dynamicChannels || !isAtLeast(macVersion, '1.0.2')) return [];
    const wanted = desired(mac).channels;
    return current(mac).channels.flatMap((now, channelIndex): MacCommand[] => {
      const goal = wanted[channelIndex];
      if (!goal || now.uplinkFrequency === 0n || now.uplinkFrequency !== goal.uplinkFrequency)
        return [];
      const frequency = goal.downlinkFrequency;
      if (frequency === 0n || frequency === now.downlinkFrequency) return [];
      if (mac.rejectedFrequencies.includes(frequency)) return [];
      return [{ name: 'DlChannelReq', fields: { channelIndex, frequencyHz: Number(frequency) } }];
    });
  },
};
