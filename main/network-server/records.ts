import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Direction,
  type Frame,
  FrameSchema,
  type Transmission,
  TransmissionSchema,
  type Verdict,
  VerdictSchema,
} from '../api/gen/gatehouse/v1/frames_pb.js';
import { type StageData, verdictOf } from '../base/causes.ts';
import type { TxAcknowledgment } from '../base/gateway-link.ts';
import type { ScheduledDownlink } from '../base/seams.ts';
import {
  type Band,
  type DecodedFrame,
  type DevAddr,
  dataRateIndex,
  decodeFrame,
  devAddrToBytes,
  eui64ToBytes,
  timeOnAirUs,
} from '../lorawan/index.ts';
import type { ApplicationUplinkResult } from '../seams/application-traffic.ts';
import { deviceIdentifiers } from '../seams/device-identifiers.ts';
import { dataRateMessage } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import type { NetworkDevice } from './ports.ts';

/** What is known of a frame beyond its bytes. */
export interface FrameFacts {
  readonly device?: NetworkDevice | undefined;
  readonly devAddr?: DevAddr | undefined;
  readonly fullFCnt?: number | undefined;
  readonly dataRateIndex?: number | undefined;
  /** As the device knows it. */
  readonly band?: Band | undefined;
}

/** Fills in what the bytes say by themselves. */
function describe(message: Frame, frame: DecodedFrame): void {
  message.fType = frame.fType;
  switch (frame.fType) {
    case 'UNCONFIRMED_UP':
    case 'CONFIRMED_UP':
    case 'UNCONFIRMED_DOWN':
    case 'CONFIRMED_DOWN':
      message.devAddr = devAddrToBytes(frame.devAddr);
      message.fCnt = frame.fCnt;
      if (frame.fPort !== undefined) message.fPort = frame.fPort;
      return;
    case 'JOIN_REQUEST':
      message.joinEui = eui64ToBytes(frame.joinEui);
      message.devEui = eui64ToBytes(frame.devEui);
      return;
    case 'REJOIN_REQUEST':
      message.devEui = eui64ToBytes(frame.devEui);
      return;
    case 'JOIN_ACCEPT':
    case 'PROPRIETARY':
    case 'INVALID':
      return;
  }
}

function addFacts(message: Frame, facts: FrameFacts): void {
  const { device, devAddr, fullFCnt, dataRateIndex, band } = facts;
  if (device) {
    message.endDeviceIds = deviceIdentifiers(device, devAddr);
    message.devEui = message.endDeviceIds.devEui;
    message.joinEui = message.endDeviceIds.joinEui;
  }
  if (fullFCnt !== undefined) message.fullFCnt = fullFCnt;
  if (dataRateIndex !== undefined) message.dataRateIndex = dataRateIndex;
  if (band) message.bandId = band.id;
}

/** The record of a decided uplink. */
export function uplinkRecord(
  { frame, first }: UplinkGroup,
  stages: readonly StageData[],
  facts: FrameFacts,
  application?: ApplicationUplinkResult,
): Frame {
  const { uplink, receivedAtMs } = first;
  const message = create(FrameSchema, {
    direction: Direction.UPLINK,
    time: timestampFromMs(receivedAtMs),
    phyPayload: uplink.phyPayload,
    frequencyHz: BigInt(uplink.frequencyHz),
    dataRate: dataRateMessage(uplink.modulation),
    timeOnAirUs: Math.round(timeOnAirUs(uplink.modulation, uplink.phyPayload.length)),
    verdict: verdictOf(stages),
  });
  describe(message, frame);
  addFacts(message, facts);
  if (application?.frmPayload) message.frmPayload = application.frmPayload;
  if (application?.decodedPayload) message.decodedPayload = application.decodedPayload;
  if (application) message.decodedPayloadWarnings = [...application.decodedPayloadWarnings];
  return message;
}

/** How a downlink is sent, as far as it is known when a gateway takes it. */
export function transmissionRecord(
  scheduled: ScheduledDownlink,
  scheduledAtMs: number,
): Transmission {
  return create(TransmissionSchema, {
    gatewayId: scheduled.gatewayId,
    window: scheduled.window,
    eirpDbm: scheduled.eirpDbm,
    concentratorTimestampUs: scheduled.concentratorTimestampUs,
    scheduledAt: timestampFromMs(scheduledAtMs),
    marginMs: scheduled.marginMs,
  });
}

/** How a downlink was sent, once its gateway answered. */
export function acknowledgedRecord(
  scheduled: ScheduledDownlink,
  scheduledAtMs: number,
  { result, detail = '', roundTripMs, transmittedEirpDbm }: TxAcknowledgment,
  nowMs: number,
): Transmission {
  const transmission = transmissionRecord(scheduled, scheduledAtMs);
  transmission.acknowledgedAt = timestampFromMs(nowMs);
  transmission.result = result;
  transmission.detail = detail;
  if (roundTripMs !== undefined) transmission.roundTripMs = roundTripMs;
  if (transmittedEirpDbm !== undefined) transmission.eirpDbm = transmittedEirpDbm;
  return transmission;
}

/** Where a downlink goes on air. */
export function placeOnAir(
  { frequencyHz, modulation }: ScheduledDownlink,
  phyPayload: Uint8Array,
  band: Band | undefined,
): Pick<Frame, 'frequencyHz' | 'dataRate' | 'dataRateIndex' | 'timeOnAirUs'> {
  const index = band && dataRateIndex(band, modulation, 'down');
  return {
    frequencyHz: BigInt(frequencyHz),
    dataRate: dataRateMessage(modulation),
    ...(index !== undefined && { dataRateIndex: index }),
    timeOnAirUs: Math.round(timeOnAirUs(modulation, phyPayload.length)),
  };
}

/** The record of a downlink. */
export function downlinkRecord(input: {
  readonly phyPayload: Uint8Array;
  readonly nowMs: number;
  readonly stages: readonly StageData[];
  readonly facts: FrameFacts;
  readonly uplinkFrameId: number;
  readonly scheduled?: ScheduledDownlink | undefined;
}): Frame {
  const { phyPayload, nowMs, stages, facts, uplinkFrameId, scheduled } = input;
  const message = create(FrameSchema, {
    direction: Direction.DOWNLINK,
    time: timestampFromMs(nowMs),
    phyPayload,
    uplinkFrameId: BigInt(uplinkFrameId),
    verdict: verdictOf(stages),
  });
  describe(message, decodeFrame(phyPayload));
  addFacts(message, facts);
  if (scheduled) {
    Object.assign(message, placeOnAir(scheduled, phyPayload, facts.band));
    message.transmission = transmissionRecord(scheduled, nowMs);
  }
  return message;
}

/** A decision in the contract's form. */
export function verdictMessage(stages: readonly StageData[]): Verdict {
  return create(VerdictSchema, verdictOf(stages));
}
