import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Antenna,
  AntennaSchema,
  Direction,
  type Frame,
  FrameSchema,
  Outcome,
  type Reception,
  ReceptionSchema,
  VerdictSchema,
} from '../api/gen/gatehouse/v1/frames_pb.js';
import { type DataRate, DataRateSchema } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { timestampFromFractionalMs } from '../base/durations.ts';
import type { AntennaReception, GatewayUplink, Modulation } from '../base/gateway-link.ts';
import {
  decodeFrame,
  devAddrToBytes,
  eui64ToBytes,
  formatHex,
  parseEui64,
} from '../lorawan/index.ts';

/** A frame as one gateway heard it, with where it came from. */
export interface ReceptionRecord {
  readonly linkId: string;
  readonly gatewayId: string;
  readonly uplink: GatewayUplink;
  /** Wall clock at arrival. */
  readonly receivedAtMs: number;
}

/** The contract's form of a modulation. */
export function dataRateMessage(modulation: Modulation): DataRate {
  switch (modulation.kind) {
    case 'lora':
      return create(DataRateSchema, {
        modulation: {
          case: 'lora',
          value: {
            bandwidth: modulation.bandwidthHz,
            spreadingFactor: modulation.spreadingFactor,
            codingRate: modulation.codingRate,
          },
        },
      });
    case 'fsk':
      return create(DataRateSchema, {
        modulation: { case: 'fsk', value: { bitRate: modulation.bitRate } },
      });
    case 'lrfhss':
      return create(DataRateSchema, {
        modulation: {
          case: 'lrfhss',
          value: {
            modulationType: modulation.modulationType,
            operatingChannelWidth: modulation.operatingChannelWidthHz,
            codingRate: modulation.codingRate,
          },
        },
      });
  }
}

function antennaMessage(antenna: AntennaReception): Antenna {
  const message = create(AntennaSchema, { antennaIndex: antenna.antennaIndex });
  if (antenna.channelRssiDbm !== undefined) message.channelRssiDbm = antenna.channelRssiDbm;
  if (antenna.signalRssiDbm !== undefined) message.signalRssiDbm = antenna.signalRssiDbm;
  if (antenna.snrDb !== undefined) message.snrDb = antenna.snrDb;
  if (antenna.frequencyOffsetHz !== undefined) {
    message.frequencyOffsetHz = Math.round(antenna.frequencyOffsetHz);
  }
  if (antenna.fineTimestampNs !== undefined) {
    message.fineTimestampNs = BigInt(Math.round(antenna.fineTimestampNs));
  }
  if (antenna.ifChannel !== undefined) message.ifChannel = antenna.ifChannel;
  if (antenna.rfChain !== undefined) message.rfChain = antenna.rfChain;
  return message;
}

/** The contract's form of a reception. */
export function receptionMessage(id: number, record: ReceptionRecord): Reception {
  const { uplink } = record;
  const eui = parseEui64(uplink.gatewayEui);
  const message = create(ReceptionSchema, {
    id: BigInt(id),
    linkId: record.linkId,
    gatewayId: record.gatewayId,
    receivedAt: timestampFromMs(record.receivedAtMs),
    concentratorTimestampUs: uplink.concentratorTimestampUs,
    crc: uplink.crc ?? '',
    antennas: uplink.antennas.map(antennaMessage),
  });
  if (eui) message.gatewayEui = eui64ToBytes(eui);
  if (uplink.gatewayTimeMs !== undefined) {
    message.gatewayTime = timestampFromFractionalMs(uplink.gatewayTimeMs);
  }
  if (uplink.gpsTimeMs !== undefined) message.gpsTimeMs = BigInt(Math.round(uplink.gpsTimeMs));
  return message;
}

/** Fills in what the bytes say by themselves: type, identifiers, counter and port as on air. */
function describe(frame: Frame): void {
  const decoded = decodeFrame(frame.phyPayload);
  frame.fType = decoded.fType;
  switch (decoded.fType) {
    case 'JOIN_REQUEST':
      frame.joinEui = eui64ToBytes(decoded.joinEui);
      frame.devEui = eui64ToBytes(decoded.devEui);
      return;
    case 'REJOIN_REQUEST':
      frame.devEui = eui64ToBytes(decoded.devEui);
      return;
    case 'UNCONFIRMED_UP':
    case 'CONFIRMED_UP':
    case 'UNCONFIRMED_DOWN':
    case 'CONFIRMED_DOWN':
      frame.devAddr = devAddrToBytes(decoded.devAddr);
      frame.fCnt = decoded.fCnt;
      if (decoded.fPort !== undefined) frame.fPort = decoded.fPort;
      return;
    case 'JOIN_ACCEPT':
    case 'PROPRIETARY':
    case 'INVALID':
      return;
  }
}

/** The frame of receptions that a crash left undecided. */
export function notProcessedFrame(
  receptions: readonly { readonly id: number; readonly record: ReceptionRecord }[],
): Frame {
  const first = receptions[0]?.record;
  const frame = create(FrameSchema, {
    direction: Direction.UPLINK,
    receptions: receptions.map(({ id, record }) => receptionMessage(id, record)),
    verdict: create(VerdictSchema, {
      outcome: Outcome.NOT_PROCESSED,
      cause: 'not_processed',
      text: 'The frame was heard, but Gatehouse ended before it was decided.',
    }),
  });
  if (first) {
    frame.time = timestampFromMs(first.receivedAtMs);
    frame.phyPayload = first.uplink.phyPayload;
    frame.frequencyHz = BigInt(first.uplink.frequencyHz);
    frame.dataRate = dataRateMessage(first.uplink.modulation);
  }
  describe(frame);
  return frame;
}

/** Text that filters look in: ids, EUIs, addresses, gateways, type, outcome and causes, in lower case. */
export function searchText(frame: Frame): string {
  const parts: string[] = [frame.endDeviceIds?.deviceId ?? ''];
  const devEui = frame.devEui.length > 0 ? frame.devEui : frame.endDeviceIds?.devEui;
  if (devEui && devEui.length > 0) parts.push(formatHex(devEui));
  if (frame.joinEui.length > 0) parts.push(formatHex(frame.joinEui));
  if (frame.devAddr.length > 0) parts.push(formatHex(frame.devAddr));
  for (const reception of frame.receptions) parts.push(reception.gatewayId);
  if (frame.transmission) parts.push(frame.transmission.gatewayId);
  parts.push(frame.fType);
  if (frame.verdict) {
    parts.push(Outcome[frame.verdict.outcome] ?? '', frame.verdict.cause);
    for (const stage of frame.verdict.stages) {
      if (stage.cause !== frame.verdict.cause) parts.push(stage.cause);
    }
  }
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .toLowerCase();
}
