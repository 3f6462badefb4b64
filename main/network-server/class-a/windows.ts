import { fromBinary } from '@bufbuild/protobuf';
import {
  type MACParameters,
  type MACState,
  MACStateSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { ReceivedUplink, WindowSettings } from '../../base/seams.ts';
import {
  type Band,
  dataRate,
  dataRateIndex,
  maxMacPayload,
  rx1ChannelIndex,
  rx1DataRateIndex,
} from '../../lorawan/index.ts';

/** MHDR and MIC around the MACPayload. */
const FRAME_OVERHEAD_BYTES = 5;

/** Best signal first; gateways that measured none come last. */
export function byStrength(receptions: readonly ReceivedUplink[]): ReceivedUplink[] {
  const strength = ({ uplink }: ReceivedUplink): number => {
    const antenna = uplink.antennas[0];
    if (antenna?.channelRssiDbm === undefined) return Number.NEGATIVE_INFINITY;
    const snr = antenna.snrDb ?? 0;
    if (snr <= -5) return antenna.channelRssiDbm + snr;
    return snr < 10 ? antenna.channelRssiDbm + (snr - 10) / 3 : antenna.channelRssiDbm;
  };
  return [...receptions].sort((a, b) => strength(b) - strength(a));
}

/** MAC state of a session; undefined if it has none. */
export function readMacState(bytes: Uint8Array): MACState | undefined {
  return bytes.length > 0 ? fromBinary(MACStateSchema, bytes) : undefined;
}

function settings(
  band: Band,
  window: 'RX1' | 'RX2',
  where: { readonly rate: number; readonly frequencyHz: number; readonly delayMs: number },
): WindowSettings[] {
  const modulation = dataRate(band, where.rate);
  const payload = maxMacPayload(band, where.rate);
  if (!modulation || payload === undefined || where.frequencyHz === 0) return [];
  return [
    {
      window,
      delayMs: where.delayMs,
      frequencyHz: where.frequencyHz,
      modulation,
      maxPhyPayloadBytes: payload + FRAME_OVERHEAD_BYTES,
    },
  ];
}

/** Receive windows of an uplink (TS001-1.0.4 §3.3, RP002-1.0.4 §2). `rx1DelayMs` is 5 s for join-accepts. */
export function receiveWindows(
  band: Band,
  parameters: MACParameters,
  uplink: ReceivedUplink['uplink'],
  rx1DelayMs: number,
): WindowSettings[] {
  const uplinkRate = dataRateIndex(band, uplink.modulation, 'up');
  const channel = parameters.channels.findIndex(
    (one) => one.uplinkFrequency === BigInt(uplink.frequencyHz),
  );
  const downlinkChannel = channel < 0 ? undefined : parameters.channels[channel];
  const rx1Hz = band.dynamicChannels
    ? Number(downlinkChannel?.downlinkFrequency ?? uplink.frequencyHz)
    : (band.downlinkChannels[rx1ChannelIndex(band, Math.max(channel, 0))]?.frequencyHz ?? 0);
  const rx1Rate =
    uplinkRate === undefined
      ? undefined
      : rx1DataRateIndex(band, uplinkRate, parameters.rx1DataRateOffset);
  const rx2 = settings(band, 'RX2', {
    rate: parameters.rx2DataRateIndex,
    frequencyHz: Number(parameters.rx2Frequency),
    delayMs: rx1DelayMs + 1_000,
  });
  if (rx1Rate === undefined) return rx2;
  return [
    ...settings(band, 'RX1', { rate: rx1Rate, frequencyHz: rx1Hz, delayMs: rx1DelayMs }),
    ...rx2,
  ];
}
