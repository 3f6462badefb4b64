import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import { Direction, type Frame, FrameSchema } from '../api/gen/gatehouse/v1/frames_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import {
  GatewayStatusSchema,
  type GatewayStatus as StatusMessage,
} from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import {
  Class,
  type RxDelay,
  type TxSchedulePriority,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  DownlinkMessageSchema,
  GatewayUplinkMessageSchema,
  TxAcknowledgment_Result,
  TxAcknowledgmentSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { fact, OUTCOME, STAGE, verdictOf } from '../base/causes.ts';
import { timestampFromFractionalMs } from '../base/durations.ts';
import { STATUS } from '../base/errors.ts';
import {
  type GatewayStatus,
  outputPowerDbm,
  type TxAcknowledgment,
  type TxRequest,
} from '../base/gateway-link.ts';
import type { ReceivedUplink } from '../base/seams.ts';
import { type EventData, encodedData } from '../events/index.ts';
import { decodeFrame, timeOnAirUs } from '../lorawan/index.ts';
import { dataRateMessage } from '../store/index.ts';
import type { Connection } from './connection.ts';
import type { TriedDownlink } from './scheduler.ts';
import { wallTimeMs } from './start-time.ts';

/** The contract's word for a result of a transmission. */
const RESULTS: Readonly<Record<TxAcknowledgment['result'], TxAcknowledgment_Result>> = {
  success: TxAcknowledgment_Result.SUCCESS,
  unknown: TxAcknowledgment_Result.UNKNOWN_ERROR,
  too_late: TxAcknowledgment_Result.TOO_LATE,
  too_early: TxAcknowledgment_Result.TOO_EARLY,
  collision_packet: TxAcknowledgment_Result.COLLISION_PACKET,
  collision_beacon: TxAcknowledgment_Result.COLLISION_BEACON,
  tx_freq: TxAcknowledgment_Result.TX_FREQ,
  tx_power: TxAcknowledgment_Result.TX_POWER,
  gps_unlocked: TxAcknowledgment_Result.GPS_UNLOCKED,
  no_acknowledgment: TxAcknowledgment_Result.UNKNOWN_ERROR,
};

/** Data of `gs.up.receive`. */
export function uplinkData({ uplink, gatewayId, receivedAtMs }: ReceivedUplink): EventData {
  const antenna = uplink.antennas[0];
  return {
    schema: GatewayUplinkMessageSchema,
    message: create(GatewayUplinkMessageSchema, {
      message: {
        rawPayload: uplink.phyPayload,
        settings: {
          dataRate: dataRateMessage(uplink.modulation),
          frequency: BigInt(uplink.frequencyHz),
          timestamp: uplink.concentratorTimestampUs,
        },
        rxMetadata: [
          {
            gatewayIds: { gatewayId },
            timestamp: uplink.concentratorTimestampUs,
            rssi: antenna?.channelRssiDbm ?? 0,
            channelRssi: antenna?.channelRssiDbm ?? 0,
            snr: antenna?.snrDb ?? 0,
          },
        ],
        receivedAt: timestampFromMs(receivedAtMs),
      },
    }),
  };
}

/** Data of `gs.down.schedule.attempt`. */
export function attemptData({ connection, request, antennaIndex }: TriedDownlink): EventData {
  const { gatewayId } = connection;
  const path = {
    path: { case: 'fixed' as const, value: { gatewayIds: { gatewayId }, antennaIndex } },
  };
  const isClassA = 'windows' in request;
  const [rx1, rx2] = [
    isClassA ? request.windows.find(({ window }) => window === 'RX1') : undefined,
    isClassA ? request.windows.find(({ window }) => window === 'RX2') : request.window,
  ];
  const delayMs = rx1?.delayMs ?? (isClassA ? (request.windows[0]?.delayMs ?? 0) - 1_000 : 0);
  return {
    schema: DownlinkMessageSchema,
    message: create(DownlinkMessageSchema, {
      rawPayload: request.phyPayload,
      correlationIds: [...(request.correlationIds ?? [])],
      settings: {
        case: 'request',
        value: {
          class: isClassA ? Class.A : Class.C,
          downlinkPaths: [path],
          rx1Delay: Math.round(delayMs / 1_000) as RxDelay,
          ...(rx1 && {
            rx1DataRate: dataRateMessage(rx1.modulation),
            rx1Frequency: BigInt(rx1.frequencyHz),
          }),
          ...(rx2 && {
            rx2DataRate: dataRateMessage(rx2.modulation),
            rx2Frequency: BigInt(rx2.frequencyHz),
          }),
          priority: request.priority as TxSchedulePriority,
          frequencyPlanId: request.frequencyPlanId,
          ...(!isClassA &&
            request.atMs !== undefined && { absoluteTime: timestampFromMs(request.atMs) }),
        },
      },
    }),
  };
}

/** Data of `gs.down.send`. */
export function downlinkData(request: TxRequest): EventData {
  return {
    schema: DownlinkMessageSchema,
    message: create(DownlinkMessageSchema, {
      rawPayload: request.phyPayload,
      settings: {
        case: 'scheduled',
        value: {
          dataRate: dataRateMessage(request.modulation),
          frequency: BigInt(request.frequencyHz),
          ...(request.time.kind === 'timestamp' && {
            timestamp: request.time.concentratorTimestampUs,
          }),
          ...(request.time.kind === 'gps' && {
            time: timestampFromMs(wallTimeMs(request.time.gpsTimeMs)),
          }),
          downlink: {
            antennaIndex: request.antennaIndex,
            txPower: outputPowerDbm(request),
            invertPolarization: request.invertPolarization,
          },
        },
      },
    }),
  };
}

/** Data of `gs.txack.receive`. */
export function acknowledgmentData({ result }: TxAcknowledgment): EventData {
  return {
    schema: TxAcknowledgmentSchema,
    message: create(TxAcknowledgmentSchema, { result: RESULTS[result] }),
  };
}

function valueData(kind: NonNullable<MessageInitShape<typeof ValueSchema>['kind']>): EventData {
  return { schema: ValueSchema, message: create(ValueSchema, { kind }) };
}

/** Data of `gs.down.tx.fail`: the result by its name in the contract. */
export function resultData({ result }: Pick<TxAcknowledgment, 'result'>): EventData {
  return valueData({ case: 'stringValue', value: TxAcknowledgment_Result[RESULTS[result]] });
}

/** There is one upstream host, the network server beside us. */
const UPSTREAM = encodedData(
  ValueSchema,
  create(ValueSchema, { kind: { case: 'stringValue', value: 'cluster' } }),
);

/** Data of `gs.up.forward` and `gs.txack.forward`: who took it. */
export function upstreamData(): EventData {
  return UPSTREAM;
}

/** Data of `gs.gateway.disconnect`. */
export function disconnectData(reason: string): EventData {
  return {
    schema: ErrorDetailsSchema,
    message: create(ErrorDetailsSchema, {
      namespace: 'gatehouse/link',
      name: 'gateway_disconnected',
      messageFormat: reason,
      code: STATUS.UNAVAILABLE,
    }),
  };
}

function locationsOf({ latitude, longitude, altitudeM = 0 }: GatewayStatus) {
  if (latitude === undefined || longitude === undefined) return [];
  const altitude = Math.round(altitudeM);
  return [{ latitude, longitude, altitude, source: LocationSource.SOURCE_GPS }];
}

/** What a gateway reported of itself, in the API's form. */
export function statusMessage(status: GatewayStatus, receivedAtMs: number): StatusMessage {
  const metrics: Record<string, number> = { ...status.furtherMetrics };
  const add = (name: string, value: number | undefined): void => {
    if (value !== undefined) metrics[name] = value;
  };
  add('rxin', status.receivedCount);
  add('rxok', status.receivedOkCount);
  add('rxfw', status.forwardedCount);
  add('ackr', status.acknowledgedPercent);
  add('txin', status.downlinkReceivedCount);
  add('txok', status.transmittedCount);
  add('temp', status.temperatureCelsius);
  return create(GatewayStatusSchema, {
    time: timestampFromFractionalMs(status.gatewayTimeMs ?? receivedAtMs),
    versions: { ...status.versions },
    metrics,
    antennaLocations: locationsOf(status),
  });
}

/** Data of `gs.status.receive`. */
export function statusData(status: GatewayStatus, receivedAtMs: number): EventData {
  return { schema: GatewayStatusSchema, message: statusMessage(status, receivedAtMs) };
}

/** The record of a frame the gateway itself found broken. */
export function brokenFrame(received: ReceivedUplink, { settings }: Connection): Frame {
  const { uplink, receivedAtMs } = received;
  const decoded = decodeFrame(uplink.phyPayload);
  return create(FrameSchema, {
    direction: Direction.UPLINK,
    time: timestampFromMs(receivedAtMs),
    phyPayload: uplink.phyPayload,
    frequencyHz: BigInt(uplink.frequencyHz),
    dataRate: dataRateMessage(uplink.modulation),
    timeOnAirUs: timeOnAirUs(uplink.modulation, uplink.phyPayload.length),
    fType: decoded.fType,
    verdict: verdictOf([
      {
        kind: STAGE.GATEWAY,
        outcome: OUTCOME.DROPPED,
        cause: 'message_crc',
        evidence: [fact('crc', 'bad'), fact('frequency_plan', settings.frequencyPlanId)],
      },
    ]),
  });
}
