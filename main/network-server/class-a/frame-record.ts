import { create, type JsonObject } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Direction,
  type Frame,
  FrameSchema,
  TransmissionSchema,
  VerdictSchema,
} from '../../api/gen/gatehouse/v1/frames_pb.js';
import { type StageData, verdictOf } from '../../base/causes.ts';
import type { ReceivedUplink, ScheduledDownlink } from '../../base/seams.ts';
import {
  type DecodedFrame,
  devAddrToBytes,
  eui64ToBytes,
  isDataFrame,
  timeOnAirUs,
} from '../../lorawan/index.ts';
import { dataRateMessage } from '../../store/index.ts';
import type { NetworkDevice } from '../ports.ts';

/** What is known about a frame besides its bytes. */
export interface RecordFacts {
  readonly device?: NetworkDevice | undefined;
  readonly fullFCnt?: number | undefined;
  readonly frmPayload?: Uint8Array | undefined;
  readonly decodedPayload?: JsonObject | undefined;
  readonly decodedPayloadWarnings?: readonly string[];
  readonly bandId?: string | undefined;
}

function identifiers(device: NetworkDevice) {
  return {
    deviceId: device.deviceId,
    applicationIds: { applicationId: device.applicationId },
    ...(device.devEui && { devEui: eui64ToBytes(device.devEui) }),
    ...(device.joinEui && { joinEui: eui64ToBytes(device.joinEui) }),
  };
}

function frameFields(decoded: DecodedFrame) {
  if (isDataFrame(decoded)) {
    return {
      devAddr: devAddrToBytes(decoded.devAddr),
      fCnt: decoded.fCnt,
      ...(decoded.fPort !== undefined && { fPort: decoded.fPort }),
    };
  }
  if (decoded.fType === 'JOIN_REQUEST') {
    return { devEui: eui64ToBytes(decoded.devEui), joinEui: eui64ToBytes(decoded.joinEui) };
  }
  return {};
}

function knownFacts(facts: RecordFacts) {
  return {
    ...(facts.device && { endDeviceIds: identifiers(facts.device) }),
    ...(facts.fullFCnt !== undefined && { fullFCnt: facts.fullFCnt }),
    ...(facts.frmPayload && { frmPayload: facts.frmPayload }),
    ...(facts.decodedPayload && { decodedPayload: facts.decodedPayload }),
    decodedPayloadWarnings: [...(facts.decodedPayloadWarnings ?? [])],
    bandId: facts.bandId ?? '',
  };
}

const verdict = (stages: readonly StageData[]) => create(VerdictSchema, verdictOf(stages));

/** The record of a decided uplink. */
export function uplinkRecord(
  decoded: DecodedFrame,
  first: ReceivedUplink,
  stages: readonly StageData[],
  facts: RecordFacts = {},
): Frame {
  const { uplink, receivedAtMs } = first;
  return create(FrameSchema, {
    direction: Direction.UPLINK,
    time: timestampFromMs(receivedAtMs),
    phyPayload: uplink.phyPayload,
    frequencyHz: BigInt(uplink.frequencyHz),
    dataRate: dataRateMessage(uplink.modulation),
    timeOnAirUs: Math.round(timeOnAirUs(uplink.modulation, uplink.phyPayload.length)),
    fType: decoded.fType,
    ...frameFields(decoded),
    ...knownFacts(facts),
    verdict: verdict(stages),
  });
}

/** The record of a downlink that a gateway took, or that none took. */
export function downlinkRecord(
  decoded: DecodedFrame,
  options: {
    readonly timeMs: number;
    readonly uplinkFrameId: number;
    readonly scheduled?: ScheduledDownlink;
    readonly stages: readonly StageData[];
    readonly facts: RecordFacts;
  },
): Frame {
  const { facts, scheduled, stages, timeMs, uplinkFrameId } = options;
  return create(FrameSchema, {
    direction: Direction.DOWNLINK,
    time: timestampFromMs(timeMs),
    phyPayload: decoded.phyPayload,
    fType: decoded.fType,
    ...frameFields(decoded),
    ...knownFacts(facts),
    ...(scheduled && {
      frequencyHz: BigInt(scheduled.frequencyHz),
      dataRate: dataRateMessage(scheduled.modulation),
      timeOnAirUs: Math.round(timeOnAirUs(scheduled.modulation, decoded.phyPayload.length)),
      transmission: create(TransmissionSchema, {
        gatewayId: scheduled.gatewayId,
        window: scheduled.window,
        eirpDbm: scheduled.eirpDbm,
        concentratorTimestampUs: scheduled.concentratorTimestampUs,
        scheduledAt: timestampFromMs(timeMs),
        marginMs: scheduled.marginMs,
      }),
    }),
    uplinkFrameId: BigInt(uplinkFrameId),
    verdict: verdict(stages),
  });
}
