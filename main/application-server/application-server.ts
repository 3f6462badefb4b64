import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ApplicationLink } from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ApplicationJoinAcceptSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { Location } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { deviceEntity, type EventBus } from '../events/index.ts';
import type { DevEui, JoinEui } from '../lorawan/index.ts';
import type { ApplicationHandler, DeviceRef, DownlinkQueue } from '../seams/application-traffic.ts';
import type { Store } from '../store/index.ts';
import { publishDrop, publishUp, withUpId } from './application-messages.ts';
import { type ApplicationQueue, createApplicationQueue } from './downlink-queue.ts';
import { createDownlinkReports } from './downlink-reports.ts';
import { createFormatterTrial, type FormatterTrial } from './formatter-trial.ts';
import type { Formatters } from './formatters/formatters.ts';
import { createUplinkSimulation, type UplinkSimulation } from './simulated-uplinks.ts';
import { createUplinkHandler } from './uplinks.ts';

/** Decrypts, formats and hands on what devices send, and queues what applications send. */
export interface ApplicationServer
  extends ApplicationHandler,
    ApplicationQueue,
    FormatterTrial,
    UplinkSimulation {}

export interface ApplicationDeviceRow {
  readonly row: number;
  readonly message: EndDevice;
}

export interface ApplicationServerOptions {
  readonly store: Pick<Store, 'unit' | 'applicationSessions'>;
  readonly findDevice: (
    applicationId: string,
    deviceId: string,
  ) => ApplicationDeviceRow | undefined;
  /** The device as its owner describes it: its locations. */
  readonly findIdentity: (
    applicationId: string,
    deviceId: string,
  ) => Pick<ApplicationDeviceRow, 'message'> | undefined;
  /** Keeps where a service says a device is. */
  readonly recordLocation: (
    device: DeviceRef,
    service: string,
    location: Location,
  ) => Promise<void>;
  /** AppSKey of a session that only the join server still knows. */
  readonly findAppSKey: (
    joinEui: JoinEui,
    devEui: DevEui,
    sessionKeyId: Uint8Array,
  ) => Uint8Array | undefined;
  /** What the devices of an application have in common; it must not be changed. */
  readonly linkOf: (applicationId: string) => ApplicationLink | undefined;
  readonly formatters: Formatters;
  /** Called whenever devices of the application registry may have changed. */
  readonly onRegistryChange: (listener: () => void) => void;
  readonly networkQueue: DownlinkQueue;
  readonly events: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Creates the application server. */
export function createApplicationServer(options: ApplicationServerOptions): ApplicationServer {
  const { events, findDevice, store } = options;
  const queue = createApplicationQueue(options);
  return {
    ...queue,
    ...createDownlinkReports(options, queue),
    ...createFormatterTrial(options),
    ...createUplinkSimulation(options),
    uplink: createUplinkHandler(options),
    storeJoin(join) {
      const { device: ref, devAddr, sessionKeyId, appSKey, receivedAtMs } = join;
      const device = findDevice(ref.applicationId, ref.deviceId);
      if (!device) return [];
      const before = store.applicationSessions.byDevice(device.row);
      const session = store.applicationSessions.put({
        deviceRow: device.row,
        kind: 'pending',
        devAddr,
        sessionKeyId,
        appSKey,
        lastAFCntDown: 0,
        startedAtMs: receivedAtMs,
      });
      return queue.moved(ref, before, session, join.invalidatedDownlinks);
    },
    joinAccepted(join) {
      const { correlationIds } = withUpId(join);
      const { device, devAddr, sessionKeyId, receivedAtMs } = join;
      const about = { device, devAddr, receivedAtMs, correlationIds };
      const subject = { identifiers: [deviceEntity(device, devAddr)], correlationIds };
      events.publish({ name: 'as.up.join.receive', ...subject });
      if (!findDevice(device.applicationId, device.deviceId)) {
        publishDrop(events, 'as.up.join.drop', device, subject, 'device_not_found');
        return;
      }
      publishUp(events, 'as.up.join.forward', {
        ...about,
        get up() {
          return {
            case: 'joinAccept' as const,
            value: create(ApplicationJoinAcceptSchema, {
              sessionKeyId,
              receivedAt: timestampFromMs(receivedAtMs),
            }),
          };
        },
      });
    },
  };
}
