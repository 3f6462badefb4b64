import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ScheduleDownlinkResponseSchema } from '../api/gen/ttn/lorawan/v3/gatewayserver_pb.js';
import {
  DownlinkMessageSchema,
  UplinkMessageSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { CauseCode } from '../base/causes.ts';
import { durationFromFractionalMs } from '../base/durations.ts';
import type { ReceivedUplink, ScheduledDownlink } from '../base/seams.ts';
import { deviceEntity, type EventData, encodedData } from '../events/index.ts';
import { type DecodedFrame, type DevAddr, timeOnAirUs } from '../lorawan/index.ts';
import { deviceIdentifiers } from '../seams/device-identifiers.ts';
import { uplinkPayload } from '../seams/uplink-payload.ts';
import { dataRateMessage } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import type { EventSink, NetworkDevice } from './ports.ts';
import { rxMetadata, txSettings } from './receptions.ts';

/** Publishes an event about a device. */
export interface DeviceEvents {
  publish(
    name: string,
    device: NetworkDevice,
    rest?: {
      readonly devAddr?: DevAddr;
      readonly correlationIds?: readonly string[];
      readonly data?: () => EventData;
      readonly lateData?: () => EventData;
      readonly causeCode?: CauseCode;
    },
  ): void;
}

export function deviceEvents(events: EventSink): DeviceEvents {
  return {
    publish(name, device, { devAddr, ...rest } = {}) {
      events.publish({ name, identifiers: [deviceEntity(device, devAddr)], ...rest });
    },
  };
}

/** Ids by which everything that belongs to one uplink is found. */
export function correlationIds({ first }: UplinkGroup): readonly string[] {
  return [`gs:uplink:${first.receptionId}`];
}

/** Events of an uplink by its type; what happens to it follows. */
export function uplinkEvents({ fType }: DecodedFrame): string {
  if (fType === 'JOIN_REQUEST') return 'ns.up.join';
  return fType === 'REJOIN_REQUEST' ? 'ns.up.rejoin' : 'ns.up.data';
}

/** Several events of one frame carry the same message. */
const builtUplinks = new WeakMap<
  UplinkGroup,
  { readonly deviceChannelIndex: number; readonly count: number; readonly data: EventData }
>();

/** What makes the data of the `ns.up.*` events, whenever it is called: copies of the frame that come later do not count. */
export function uplinkData(group: UplinkGroup, deviceChannelIndex = 0): () => EventData {
  const count = group.receptions.length;
  return () => {
    const known = builtUplinks.get(group);
    if (known?.deviceChannelIndex === deviceChannelIndex && known.count === count)
      return known.data;
    const data = encodedUplink(group, deviceChannelIndex, group.receptions.slice(0, count));
    builtUplinks.set(group, { deviceChannelIndex, count, data });
    return data;
  };
}

function encodedUplink(
  group: UplinkGroup,
  deviceChannelIndex: number,
  receptions: readonly ReceivedUplink[],
): EventData {
  const { frame, first } = group;
  const payload = uplinkPayload(frame);
  const airtimeUs = timeOnAirUs(first.uplink.modulation, first.uplink.phyPayload.length);
  return encodedData(
    UplinkMessageSchema,
    create(UplinkMessageSchema, {
      rawPayload: first.uplink.phyPayload,
      ...(payload && { payload }),
      settings: txSettings(first),
      rxMetadata: rxMetadata(receptions),
      receivedAt: timestampFromMs(first.receivedAtMs),
      correlationIds: [...correlationIds(group)],
      deviceChannelIndex,
      consumedAirtime: durationFromFractionalMs(airtimeUs / 1000),
    }),
  );
}

/** Data of the events of a downlink that a gateway took. */
export function scheduleData({
  gatewayId,
  antennaIndex,
  marginMs,
  window,
}: ScheduledDownlink): EventData {
  return {
    schema: ScheduleDownlinkResponseSchema,
    message: create(ScheduleDownlinkResponseSchema, {
      delay: durationFromFractionalMs(marginMs),
      downlinkPath: { path: { case: 'fixed', value: { gatewayIds: { gatewayId }, antennaIndex } } },
      rx1: window === 'RX1',
      // Class C listens in RX2 parameters.
      rx2: window !== 'RX1',
    }),
  };
}

/** Data of the other `ns.down.*` events. */
export function downlinkData(
  phyPayload: Uint8Array,
  device: NetworkDevice,
  devAddr: DevAddr | undefined,
  scheduled?: ScheduledDownlink,
): EventData {
  return {
    schema: DownlinkMessageSchema,
    message: create(DownlinkMessageSchema, {
      rawPayload: phyPayload,
      endDeviceIds: deviceIdentifiers(device, devAddr),
      ...(scheduled && {
        settings: {
          case: 'scheduled',
          value: {
            dataRate: dataRateMessage(scheduled.modulation),
            frequency: BigInt(scheduled.frequencyHz),
            timestamp: scheduled.concentratorTimestampUs,
            downlink: {
              txPower: scheduled.eirpDbm,
              invertPolarization: scheduled.modulation.kind === 'lora',
            },
          },
        },
      }),
    }),
  };
}
