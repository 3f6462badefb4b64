import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type MACState_JoinAccept,
  MACState_JoinAcceptSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { JoinRequestSchema, JoinResponseSchema } from '../api/gen/ttn/lorawan/v3/join_pb.js';
import {
  CFListType,
  type DataRateIndex,
  type DataRateOffset,
  type RxDelay,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { ApplicationUpSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { durationFromFractionalMs } from '../base/durations.ts';
import type { EventData } from '../events/index.ts';
import { devAddrToBytes, netIdToBytes, parseCfList, timeOnAirUs } from '../lorawan/index.ts';
import type { JoinForApplication } from '../seams/application-traffic.ts';
import { deviceIdentifiers } from '../seams/device-identifiers.ts';
import type { AcceptedJoin } from '../seams/joining.ts';
import { uplinkPayload } from '../seams/uplink-payload.ts';
import type { UplinkGroup } from './deduplication.ts';
import { correlationIds } from './events.ts';
import type { GrantedJoin, JoinTerms } from './grant-join.ts';

function cfListMessage({ cfList, band }: JoinTerms) {
  const parsed = cfList && parseCfList(cfList, band.frequencyMultiplierHz);
  if (!parsed) return undefined;
  if (parsed.type === 'CHANNEL_MASKS') {
    const chMasks = parsed.masks.slice(0, band.maxUplinkChannels);
    return { type: CFListType.CHANNEL_MASKS, chMasks };
  }
  const freq = parsed.frequenciesHz.flatMap((hz) => (hz ? [hz / band.frequencyMultiplierHz] : []));
  return { type: CFListType.FREQUENCIES, freq };
}

function requestFields(asked: JoinTerms) {
  const { rx1DrOffset, rx2Dr, optNeg } = asked.dlSettings;
  const cfList = cfListMessage(asked);
  return {
    downlinkSettings: {
      rx1DrOffset: rx1DrOffset as DataRateOffset,
      rx2Dr: rx2Dr as DataRateIndex,
      optNeg,
    },
    rxDelay: asked.rxDelay as RxDelay,
    ...(cfList && { cfList }),
  };
}

/** The join-accept as the pending MAC state shows it until it is sent. Without its keys, which are stored sealed. */
export function queuedJoinAccept(
  asked: JoinTerms,
  { joinAccept }: AcceptedJoin,
  ids: readonly string[],
): MACState_JoinAccept {
  return create(MACState_JoinAcceptSchema, {
    payload: joinAccept,
    request: requestFields(asked),
    correlationIds: [...ids],
    devAddr: devAddrToBytes(asked.devAddr),
    netId: netIdToBytes(asked.netId),
  });
}

/** Data of the event that the join server is asked. */
export function joinRequestData(group: UplinkGroup, asked: JoinTerms): EventData {
  const { frame, first } = group;
  const { phyPayload, modulation } = first.uplink;
  const payload = uplinkPayload(frame);
  const message = create(JoinRequestSchema, {
    rawPayload: phyPayload,
    ...(payload && { payload }),
    devAddr: devAddrToBytes(asked.devAddr),
    selectedMacVersion: asked.version,
    netId: netIdToBytes(asked.netId),
    ...requestFields(asked),
    correlationIds: [...correlationIds(group)],
    consumedAirtime: durationFromFractionalMs(timeOnAirUs(modulation, phyPayload.length) / 1000),
  });
  return { schema: JoinRequestSchema, message };
}

/** Data of the event that the join server accepted; without keys. */
export function joinResponseData(group: UplinkGroup, { join, joinAccept }: GrantedJoin): EventData {
  const message = create(JoinResponseSchema, {
    rawPayload: joinAccept,
    sessionKeys: { sessionKeyId: join.sessionKeyId },
    correlationIds: [...correlationIds(group)],
  });
  return { schema: JoinResponseSchema, message };
}

/** Data of the event that the application server was told; without the AppSKey. */
export function joinAcceptForwardData(join: JoinForApplication): EventData {
  const { device, devAddr, correlationIds: ids, receivedAtMs, sessionKeyId } = join;
  const receivedAt = timestampFromMs(receivedAtMs);
  const message = create(ApplicationUpSchema, {
    endDeviceIds: deviceIdentifiers(device, devAddr),
    correlationIds: [...ids],
    receivedAt,
    up: { case: 'joinAccept', value: { sessionKeyId, receivedAt } },
  });
  return { schema: ApplicationUpSchema, message };
}
