import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Direction, type Frame, type Reception } from '../api/gen/gatehouse/v1/frames_pb.js';
import type { TxSettingsSchema } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type ApplicationUp,
  type ApplicationUplinkSchema,
  ApplicationUpSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { RxMetadataSchema } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { OUTCOME } from '../base/causes.ts';

/** What recorded frames can be turned back into; other messages to applications are not kept. */
export const RECORDED_UP_TYPES = ['uplink_message', 'join_accept'] as const;
export type RecordedUpType = (typeof RECORDED_UP_TYPES)[number];

function rxMetadata(reception: Reception): MessageInitShape<typeof RxMetadataSchema>[] {
  const { gatewayId, gatewayEui, gatewayTime, receivedAt, concentratorTimestampUs } = reception;
  const common = {
    gatewayIds: { gatewayId, eui: gatewayEui },
    timestamp: concentratorTimestampUs,
    ...(gatewayTime && { time: gatewayTime }),
    ...(receivedAt && { receivedAt }),
  };
  if (reception.antennas.length === 0) return [common];
  return reception.antennas.map((antenna) => ({
    ...common,
    antennaIndex: antenna.antennaIndex,
    rssi: antenna.channelRssiDbm ?? 0,
    channelRssi: antenna.channelRssiDbm ?? 0,
    ...(antenna.signalRssiDbm !== undefined && { signalRssi: antenna.signalRssiDbm }),
    snr: antenna.snrDb ?? 0,
    frequencyOffset: BigInt(antenna.frequencyOffsetHz ?? 0),
    fineTimestamp: antenna.fineTimestampNs ?? 0n,
    channelIndex: antenna.ifChannel ?? 0,
  }));
}

function settings(frame: Frame): MessageInitShape<typeof TxSettingsSchema> {
  const [first] = frame.receptions;
  return {
    frequency: frame.frequencyHz,
    ...(frame.dataRate && { dataRate: frame.dataRate }),
    ...(first && { timestamp: first.concentratorTimestampUs }),
    ...(first?.gatewayTime && { time: first.gatewayTime }),
  };
}

const US_PER_MS = 1_000;

function airtime(timeOnAirUs: number): Duration {
  const duration = durationFromMs(Math.trunc(timeOnAirUs / US_PER_MS));
  duration.nanos += (timeOnAirUs % US_PER_MS) * 1_000;
  return duration;
}

function uplinkMessage(frame: Frame): MessageInitShape<typeof ApplicationUplinkSchema> {
  return {
    fPort: frame.fPort ?? 0,
    fCnt: frame.fullFCnt ?? frame.fCnt ?? 0,
    frmPayload: frame.frmPayload,
    ...(frame.decodedPayload && { decodedPayload: frame.decodedPayload }),
    decodedPayloadWarnings: frame.decodedPayloadWarnings,
    rxMetadata: frame.receptions.flatMap(rxMetadata),
    settings: settings(frame),
    ...(frame.time && { receivedAt: frame.time }),
    confirmed: frame.fType === 'CONFIRMED_UP',
    consumedAirtime: airtime(frame.timeOnAirUs),
  };
}

/** Whether a downlink reached a gateway at least. */
function isTaken({ verdict }: Frame): boolean {
  return verdict?.outcome === OUTCOME.SCHEDULED || verdict?.outcome === OUTCOME.TRANSMITTED;
}

function typeOf(frame: Frame): RecordedUpType | undefined {
  const { direction, fType, verdict } = frame;
  if (direction === Direction.DOWNLINK)
    return fType === 'JOIN_ACCEPT' && isTaken(frame) ? 'join_accept' : undefined;
  const isData = fType === 'UNCONFIRMED_UP' || fType === 'CONFIRMED_UP';
  return isData && verdict?.outcome === OUTCOME.ACCEPTED ? 'uplink_message' : undefined;
}

/** A message to an application, with the kind the API calls it. */
export interface RecordedUp {
  readonly type: RecordedUpType;
  /** Port of an uplink; 0 for others. */
  readonly fPort: number;
  message(): ApplicationUp;
}

/**
 * What an application was told of a frame: the uplink of a device, or that it has joined. Undefined for all other frames.
 * Not recorded, and so missing, are session key ids, correlation ids, normalized payloads, locations and version ids.
 */
export function recordedUp(frame: Frame): RecordedUp | undefined {
  const type = frame.endDeviceIds && typeOf(frame);
  if (!type) return undefined;
  const common = {
    ...(frame.endDeviceIds && { endDeviceIds: frame.endDeviceIds }),
    ...(frame.time && { receivedAt: frame.time }),
  };
  return {
    type,
    fPort: frame.fPort ?? 0,
    message: () =>
      create(ApplicationUpSchema, {
        ...common,
        up:
          type === 'uplink_message'
            ? { case: 'uplinkMessage', value: uplinkMessage(frame) }
            : { case: 'joinAccept', value: { ...(frame.time && { receivedAt: frame.time }) } },
      }),
  };
}
