import { create, type JsonObject } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ConfirmedRetrySchema,
  ApplicationDownlinkFailedSchema,
  ApplicationDownlinkSchema,
  ApplicationJoinAcceptSchema,
  ApplicationUplinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type CauseCode, OUTCOME, STAGE, type StageData } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { STATUS } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { EventBus } from '../events/index.ts';
import { cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type {
  ApplicationHandler,
  ApplicationUplinkResult,
  DeviceRef,
  DownlinkNotice,
  DownlinkQueue,
  UplinkForApplication,
} from '../seams/application-traffic.ts';
import type { ApplicationSession, Store } from '../store/index.ts';
import { deviceEntity, publishUp } from './application-messages.ts';
import { decodedDownlink, uplinkFormatter } from './device-formatters.ts';
import { type ApplicationQueue, createApplicationQueue } from './downlink-queue.ts';
import type { Formatters } from './formatters/formatters.ts';

/** Decrypts, formats and hands on what devices send, and queues what applications send. */
export interface ApplicationServer extends ApplicationHandler, ApplicationQueue {}

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
  readonly formatters: Formatters;
  readonly networkQueue: DownlinkQueue;
  readonly events: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Attempts of a confirmed downlink when its sender does not say. */
const DEFAULT_ATTEMPTS = 8;

type SessionLookup =
  | { readonly session: ApplicationSession; readonly device: ApplicationDeviceRow }
  | { readonly cause: Extract<CauseCode, 'device_not_found' | 'unknown_session' | 'no_app_s_key'> };

function createSessionFinder({ store, findDevice }: ApplicationServerOptions) {
  return async (ref: DeviceRef, sessionKeyId: Uint8Array): Promise<SessionLookup> => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device) return { cause: 'device_not_found' };
    const { current, pending } = store.applicationSessions.byDevice(device.row);
    if (current && sameBytes(current.sessionKeyId, sessionKeyId)) {
      return current.appSKey ? { session: current, device } : { cause: 'no_app_s_key' };
    }
    if (!pending || !sameBytes(pending.sessionKeyId, sessionKeyId))
      return { cause: 'unknown_session' };
    await store.unit(() => store.applicationSessions.promotePending(device.row));
    return pending.appSKey ? { session: pending, device } : { cause: 'no_app_s_key' };
  };
}

function uplinkMessage(input: UplinkForApplication, frmPayload: Uint8Array, decoded: Decoded) {
  return create(ApplicationUplinkSchema, {
    sessionKeyId: input.sessionKeyId,
    fPort: input.fPort ?? 0,
    fCnt: input.fullFCnt,
    frmPayload,
    ...(decoded.data && { decodedPayload: decoded.data }),
    decodedPayloadWarnings: [...decoded.warnings],
    normalizedPayload: [...decoded.normalized],
    rxMetadata: input.rxMetadata(),
    settings: input.settings(),
    receivedAt: timestampFromMs(input.receivedAtMs),
    confirmed: input.confirmed,
    consumedAirtime: durationFromMs(input.consumedAirtimeUs / 1000),
  });
}

function stage(
  outcome: StageData['outcome'],
  evidence: StageData['evidence'],
  cause?: CauseCode,
): StageData {
  return { kind: STAGE.APPLICATION, outcome, evidence, ...(cause && { cause }) };
}

interface Decoded {
  readonly data?: JsonObject;
  readonly warnings: readonly string[];
  readonly normalized: readonly JsonObject[];
  readonly error?: string;
}

async function decode(
  formatters: Formatters,
  device: ApplicationDeviceRow,
  input: UplinkForApplication,
  bytes: Uint8Array,
): Promise<Decoded> {
  const none = { warnings: [], normalized: [] };
  if (input.fPort === undefined || input.fPort === 0) return none;
  const result = await formatters.decodeUplink({
    scope: input.device.applicationId,
    formatter: uplinkFormatter(device.message),
    fPort: input.fPort,
    bytes,
  });
  if (!result) return none;
  if (!result.ok) return { ...none, error: result.message };
  return {
    warnings: result.warnings,
    normalized: result.normalized as readonly JsonObject[],
    ...(result.data && { data: result.data as JsonObject }),
  };
}

function createUplinkHandler(options: ApplicationServerOptions) {
  const findSession = createSessionFinder(options);
  const { events, formatters } = options;
  return async (input: UplinkForApplication): Promise<ApplicationUplinkResult> => {
    const found = await findSession(input.device, input.sessionKeyId);
    if ('cause' in found) {
      events.publish({
        name: 'as.up.data.drop',
        identifiers: [deviceEntity(input.device, input.devAddr)],
        correlationIds: input.correlationIds,
        causeCode: found.cause,
      });
      return { stage: stage(OUTCOME.DROPPED, [], found.cause), decodedPayloadWarnings: [] };
    }
    const { session, device } = found;
    // FPort 0 carries MAC commands and never reaches the application as payload.
    const frmPayload =
      input.fPort && session.appSKey
        ? cryptFrmPayload(
            expandKey(session.appSKey),
            input.devAddr,
            'up',
            input.fullFCnt,
            input.frmPayload,
          )
        : new Uint8Array();
    const decoded = await decode(formatters, device, input, frmPayload);
    const up = {
      device: input.device,
      devAddr: input.devAddr,
      receivedAtMs: input.receivedAtMs,
      correlationIds: input.correlationIds,
      get up() {
        return {
          case: 'uplinkMessage' as const,
          value: uplinkMessage(input, frmPayload, decoded),
        };
      },
    };
    if (decoded.error) publishUp(events, 'as.up.data.decode.fail', up, 'formatter_failed');
    if (decoded.warnings.length > 0) publishUp(events, 'as.up.data.decode.warning', up);
    publishUp(events, 'as.up.data.forward', up);
    return {
      stage: stage(
        OUTCOME.ACCEPTED,
        decoded.error
          ? [{ name: 'formatter_error', value: { case: 'text', value: decoded.error } }]
          : [],
      ),
      frmPayload,
      decodedPayloadWarnings: decoded.warnings,
      ...(decoded.data && { decodedPayload: decoded.data }),
    };
  };
}

function createReports(options: ApplicationServerOptions, queue: ApplicationQueue) {
  const { clock, events, findDevice, logger, store } = options;

  const opened = (report: DownlinkNotice): ApplicationDownlink => {
    const device = findDevice(report.device.applicationId, report.device.deviceId);
    const sessions = device ? store.applicationSessions.byDevice(device.row) : {};
    const session = [sessions.current, sessions.pending].find(
      (one) => one && sameBytes(one.sessionKeyId, report.downlink.sessionKeyId),
    );
    return session ? decodedDownlink(report.downlink, session) : report.downlink;
  };
  const tell = (
    name: string,
    report: DownlinkNotice,
    kind: 'downlinkSent' | 'downlinkAck' | 'downlinkNack',
  ): void =>
    publishUp(events, name, {
      device: report.device,
      devAddr: report.devAddr,
      receivedAtMs: clock.now(),
      correlationIds: report.correlationIds,
      get up() {
        return { case: kind, value: opened(report) };
      },
    });
  const failed = ({ cause, ...report }: DownlinkNotice & { readonly cause: CauseCode }): void =>
    publishUp(
      events,
      'as.down.data.failed.forward',
      {
        device: report.device,
        devAddr: report.devAddr,
        receivedAtMs: clock.now(),
        correlationIds: report.correlationIds,
        get up() {
          return {
            case: 'downlinkFailed' as const,
            value: create(ApplicationDownlinkFailedSchema, {
              downlink: opened(report),
              error: create(ErrorDetailsSchema, {
                namespace: 'pkg/networkserver',
                name: cause,
                code: STATUS.UNKNOWN,
              }),
            }),
          };
        },
      },
      cause,
    );

  return {
    downlinkSent: (report: DownlinkNotice) =>
      tell('as.down.data.sent.forward', report, 'downlinkSent'),
    downlinkAcknowledged: (report: DownlinkNotice) =>
      tell('as.down.data.ack.forward', report, 'downlinkAck'),
    downlinkFailed: failed,
    downlinkNotAcknowledged(report: DownlinkNotice): void {
      const plain = opened(report);
      const attempt = (plain.confirmedRetry?.attempt ?? 1) + 1;
      const limit = plain.confirmedRetry?.maxAttempts ?? DEFAULT_ATTEMPTS;
      if (attempt > limit) {
        failed({ ...report, cause: 'max_retries_reached' });
      } else {
        const again = create(ApplicationDownlinkSchema, {
          ...plain,
          fCnt: 0,
          sessionKeyId: new Uint8Array(),
          confirmedRetry: create(ApplicationDownlink_ConfirmedRetrySchema, {
            attempt,
            maxAttempts: limit,
          }),
        });
        queue.push(report.device, [again]).catch((error: unknown) => {
          logger.warn(
            { error, device: report.device.deviceId },
            'A downlink could not be queued again.',
          );
        });
      }
      tell('as.down.data.nack.forward', report, 'downlinkNack');
    },
  };
}

/** Creates the application server. */
export function createApplicationServer(options: ApplicationServerOptions): ApplicationServer {
  const { events, findDevice, store } = options;
  const queue = createApplicationQueue(options);
  return {
    ...queue,
    ...createReports(options, queue),
    uplink: createUplinkHandler(options),
    storeJoin({ device: ref, devAddr, sessionKeyId, appSKey, receivedAtMs }) {
      const device = findDevice(ref.applicationId, ref.deviceId);
      if (!device) return;
      store.applicationSessions.put({
        deviceRow: device.row,
        kind: 'pending',
        devAddr,
        sessionKeyId,
        appSKey,
        lastAFCntDown: 0,
        startedAtMs: receivedAtMs,
      });
    },
    joinAccepted(input) {
      queue.moveToSession(input);
      publishUp(events, 'as.up.join.forward', {
        device: input.device,
        devAddr: input.devAddr,
        receivedAtMs: input.receivedAtMs,
        correlationIds: input.correlationIds,
        get up() {
          return {
            case: 'joinAccept' as const,
            value: create(ApplicationJoinAcceptSchema, {
              sessionKeyId: input.sessionKeyId,
              receivedAt: timestampFromMs(input.receivedAtMs),
            }),
          };
        },
      });
    },
  };
}
