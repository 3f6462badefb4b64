import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ApplicationUplinkNormalizedSchema,
  ApplicationUplinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type CauseCode, OUTCOME, STAGE, type StageData } from '../base/causes.ts';
import { errorText } from '../base/errors.ts';

import { deviceEntity } from '../events/index.ts';
import { type AesKey, cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type {
  ApplicationUplinkResult,
  DeviceRef,
  UplinkForApplication,
} from '../seams/application-traffic.ts';
import { type ApplicationSession, createBoundedCache } from '../store/index.ts';
import { publishUp } from './application-messages.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';
import {
  type DecodedUplink,
  decodedFields,
  decodeUplink,
  publishDecodeProblems,
} from './decode-uplink.ts';
import { uplinkFormatter } from './device-formatters.ts';

type SessionLookup =
  | { readonly appSKey: AesKey; readonly device: ApplicationDeviceRow }
  | { readonly cause: Extract<CauseCode, 'device_not_found' | 'unknown_session' | 'no_app_s_key'> };

/** The expanded key of a device's current session. */
interface KnownKey {
  readonly sessionKeyId: Uint8Array;
  readonly appSKey: AesKey;
}

/** Keys of so many devices are kept expanded. */
const KEPT_KEYS = 5_000;

function createSessionFinder(options: ApplicationServerOptions) {
  const { store, findDevice, logger } = options;
  const keys = createBoundedCache<number, KnownKey>(KEPT_KEYS);
  options.onRegistryChange(() => keys.clear());
  const current = (device: ApplicationDeviceRow, session: ApplicationSession): SessionLookup => {
    if (!session.appSKey) return { cause: 'no_app_s_key' };
    const appSKey = expandKey(session.appSKey);
    keys.set(device.row, { sessionKeyId: session.sessionKeyId, appSKey });
    return { appSKey, device };
  };
  return async (ref: DeviceRef, sessionKeyId: Uint8Array): Promise<SessionLookup> => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device) return { cause: 'device_not_found' };
    const known = keys.get(device.row);
    if (known && sameBytes(known.sessionKeyId, sessionKeyId))
      return { appSKey: known.appSKey, device };
    const sessions = store.applicationSessions.byDevice(device.row);
    if (sessions.current && sameBytes(sessions.current.sessionKeyId, sessionKeyId))
      return current(device, sessions.current);
    const { pending } = sessions;
    if (!pending || !sameBytes(pending.sessionKeyId, sessionKeyId))
      return { cause: 'unknown_session' };
    try {
      await store.unit(() => store.applicationSessions.promotePending(device.row));
    } catch (error) {
      // The uplink's counter is durable, so the application gets it; the next uplink promotes the session.
      logger.warn({ error: errorText(error), device: ref.deviceId }, 'a session was not promoted');
      return pending.appSKey
        ? { appSKey: expandKey(pending.appSKey), device }
        : { cause: 'no_app_s_key' };
    }
    return current(device, pending);
  };
}

/** What uplinks and measurements in them have in common. */
function commonFields(input: UplinkForApplication, frmPayload: Uint8Array) {
  return {
    sessionKeyId: input.sessionKeyId,
    fPort: input.fPort ?? 0,
    fCnt: input.fullFCnt,
    frmPayload,
    rxMetadata: input.rxMetadata(),
    settings: input.settings(),
    receivedAt: timestampFromMs(input.receivedAtMs),
    confirmed: input.confirmed,
    consumedAirtime: durationFromMs(input.consumedAirtimeUs / 1000),
  };
}

function uplinkMessage(
  input: UplinkForApplication,
  frmPayload: Uint8Array,
  decoded: DecodedUplink,
) {
  return create(ApplicationUplinkSchema, {
    ...commonFields(input, frmPayload),
    ...decodedFields(decoded),
  });
}

function stage(
  outcome: StageData['outcome'],
  evidence: StageData['evidence'],
  cause?: CauseCode,
): StageData {
  return { kind: STAGE.APPLICATION, outcome, evidence, ...(cause && { cause }) };
}

/** Tells subscribers what came of an uplink: problems of the formatter first, then the uplink, then measurements. */
function publishUplink(
  { events }: Pick<ApplicationServerOptions, 'events'>,
  input: UplinkForApplication,
  frmPayload: Uint8Array,
  decoded: DecodedUplink,
): void {
  const { device, devAddr, receivedAtMs, correlationIds } = input;
  const about = { identifiers: [deviceEntity(device, devAddr)], correlationIds };
  const { normalizedWarnings, normalized } = decoded;
  const message = () => uplinkMessage(input, frmPayload, decoded);
  publishDecodeProblems(events, about, decoded, message);
  const common = { device, devAddr, receivedAtMs, correlationIds };
  publishUp(events, 'as.up.data.forward', {
    ...common,
    get up() {
      return { case: 'uplinkMessage' as const, value: message() };
    },
  });
  for (const measurement of normalized)
    publishUp(events, 'as.up.normalized.forward', {
      ...common,
      get up() {
        const value = create(ApplicationUplinkNormalizedSchema, {
          ...commonFields(input, frmPayload),
          normalizedPayload: measurement,
          normalizedPayloadWarnings: [...normalizedWarnings],
        });
        return { case: 'uplinkNormalized' as const, value };
      },
    });
}

/** Creates what decrypts and formats uplinks. A formatter that fails takes nothing away but the decoded payload. */
export function createUplinkHandler(options: ApplicationServerOptions) {
  const findSession = createSessionFinder(options);
  const { events, formatters } = options;
  return async (input: UplinkForApplication): Promise<ApplicationUplinkResult> => {
    const { device: ref, devAddr, correlationIds, fPort, fullFCnt } = input;
    const about = { identifiers: [deviceEntity(ref, devAddr)], correlationIds };
    events.publish({ name: 'as.up.data.receive', ...about });
    const found = await findSession(ref, input.sessionKeyId);
    if ('cause' in found) {
      events.publish({ name: 'as.up.data.drop', ...about, causeCode: found.cause });
      return { stage: stage(OUTCOME.DROPPED, [], found.cause), decodedPayloadWarnings: [] };
    }
    const { appSKey, device } = found;
    // FPort 0 carries MAC commands and never reaches the application as payload.
    const frmPayload = fPort
      ? cryptFrmPayload(appSKey, devAddr, 'up', fullFCnt, input.frmPayload)
      : new Uint8Array();
    const decoded = await decodeUplink(formatters, {
      applicationId: ref.applicationId,
      formatter: uplinkFormatter(device.message, options.linkOf(ref.applicationId)),
      fPort,
      bytes: frmPayload,
    });
    publishUplink(options, input, frmPayload, decoded);
    const { failure, warnings, data } = decoded;
    const evidence = failure
      ? [{ name: 'formatter_error', value: { case: 'text', value: failure.message } } as const]
      : [];
    return {
      stage: stage(OUTCOME.ACCEPTED, evidence),
      frmPayload,
      decodedPayloadWarnings: warnings,
      ...(data && { decodedPayload: data }),
    };
  };
}
