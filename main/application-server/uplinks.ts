import { create, equals } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { EndDeviceVersionIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  ApplicationLocationSchema,
  ApplicationUplinkNormalizedSchema,
  ApplicationUplinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { type Location, LocationSchema } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type CauseCode, OUTCOME, STAGE, type StageData } from '../base/causes.ts';
import { durationFromFractionalMs } from '../base/durations.ts';
import { errorText } from '../base/errors.ts';

import { deviceEntity } from '../events/index.ts';
import { type AesKey, cryptFrmPayload, expandKey, netIdToBytes } from '../lorawan/index.ts';
import type {
  ApplicationUplinkResult,
  DeviceRef,
  UplinkForApplication,
} from '../seams/application-traffic.ts';
import { type ApplicationSession, createBoundedCache } from '../store/index.ts';
import { publishDrop, publishUp, withUpId } from './application-messages.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';
import {
  type DecodedUplink,
  decodedFields,
  decodeUplink,
  NOT_DECODED,
  publishDecodeProblems,
} from './decode-uplink.ts';
import { uplinkFormatter } from './device-formatters.ts';
import { skipsPayloadCrypto } from './payload-crypto.ts';
import { locationIn, PAYLOAD_LOCATION } from './payload-location.ts';
import { appSKeyOf, followSession, type SessionName } from './sessions.ts';

type SessionLookup =
  | { readonly appSKey: AesKey; readonly device: ApplicationDeviceRow }
  /** The application decrypts by itself. */
  | { readonly skipped: ApplicationSession; readonly device: ApplicationDeviceRow }
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
  const current = (
    applicationId: string,
    device: ApplicationDeviceRow,
    session: ApplicationSession,
  ): SessionLookup => {
    if (!session.appSKey)
      return skipsPayloadCrypto(options, applicationId, device)
        ? { skipped: session, device }
        : { cause: 'no_app_s_key' };
    const appSKey = expandKey(session.appSKey);
    keys.set(device.row, { sessionKeyId: session.sessionKeyId, appSKey });
    return { appSKey, device };
  };
  return async (ref: DeviceRef, { sessionKeyId, devAddr }: SessionName): Promise<SessionLookup> => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device) return { cause: 'device_not_found' };
    const known = keys.get(device.row);
    if (known && sameBytes(known.sessionKeyId, sessionKeyId))
      return { appSKey: known.appSKey, device };
    const sessions = store.applicationSessions.byDevice(device.row);
    if (sessions.current && sameBytes(sessions.current.sessionKeyId, sessionKeyId))
      return current(ref.applicationId, device, sessions.current);
    const { pending } = sessions;
    const isPending = pending && sameBytes(pending.sessionKeyId, sessionKeyId);
    const appSKey = isPending ? pending.appSKey : appSKeyOf(options, ref, sessionKeyId);
    if (!isPending && !appSKey) return { cause: 'unknown_session' };
    try {
      const session = await store.unit(() =>
        followSession(options, ref, device, { sessionKeyId, devAddr }),
      );
      return session ? current(ref.applicationId, device, session) : { cause: 'unknown_session' };
    } catch (error) {
      // The uplink's counter is durable, so the application gets it; the next uplink stores the session.
      logger.warn({ error: errorText(error), device: ref.deviceId }, 'a session was not stored');
      return appSKey ? { appSKey: expandKey(appSKey), device } : { cause: 'no_app_s_key' };
    }
  };
}

/** What an uplink message holds beside what the network said. */
interface Opened {
  readonly frmPayload: Uint8Array;
  readonly decoded: DecodedUplink;
  readonly locations: Readonly<Record<string, Location>>;
  readonly versionIds: EndDeviceVersionIdentifiers | undefined;
  /** Location the payload names. */
  readonly solved: Location | undefined;
  /** Only if the application decrypts by itself. */
  readonly lastAFCntDown?: number;
}

/** What uplinks and measurements in them have in common. */
function commonFields(input: UplinkForApplication, opened: Opened) {
  const { frmPayload, locations, versionIds } = opened;
  return {
    sessionKeyId: input.sessionKeyId,
    fPort: input.fPort ?? 0,
    fCnt: input.fullFCnt,
    frmPayload,
    rxMetadata: input.rxMetadata(),
    settings: input.settings(),
    receivedAt: timestampFromMs(input.receivedAtMs),
    confirmed: input.confirmed,
    consumedAirtime: durationFromFractionalMs(input.consumedAirtimeUs / 1000),
    locations,
    ...(versionIds && { versionIds }),
    ...(input.netId && { networkIds: { netId: netIdToBytes(input.netId) } }),
  };
}

function uplinkMessage(input: UplinkForApplication, opened: Opened) {
  return create(ApplicationUplinkSchema, {
    ...commonFields(input, opened),
    ...decodedFields(opened.decoded),
    packetErrorRate: input.packetErrorRate ?? 0,
    lastAFCntDown: opened.lastAFCntDown ?? 0,
  });
}

function stage(
  outcome: StageData['outcome'],
  evidence: StageData['evidence'],
  cause?: CauseCode,
): StageData {
  return { kind: STAGE.APPLICATION, outcome, evidence, ...(cause && { cause }) };
}

/**
 * Tells subscribers what came of an uplink: problems of the formatter first, then the uplink, then measurements, then the
 * location.
 */
function publishUplink(
  { events }: Pick<ApplicationServerOptions, 'events'>,
  input: UplinkForApplication,
  opened: Opened,
): void {
  const { device, devAddr, receivedAtMs, correlationIds } = input;
  const about = { identifiers: [deviceEntity(device, devAddr)], correlationIds };
  const { decoded, solved } = opened;
  const { normalizedWarnings, normalized } = decoded;
  const message = () => uplinkMessage(input, opened);
  publishDecodeProblems(events, about, decoded, message);
  const common = { device, devAddr, receivedAtMs, correlationIds, isFrozen: true };
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
          ...commonFields(input, opened),
          normalizedPayload: measurement,
          normalizedPayloadWarnings: [...normalizedWarnings],
        });
        return { case: 'uplinkNormalized' as const, value };
      },
    });
  if (solved)
    publishUp(events, 'as.up.location.forward', {
      ...common,
      get up() {
        const value = create(ApplicationLocationSchema, {
          service: PAYLOAD_LOCATION,
          location: solved,
        });
        return { case: 'locationSolved' as const, value };
      },
    });
}

/** Creates what adds the things known about a device to its uplink, and keeps the location that the uplink names. */
function createOpener({ findIdentity, logger, recordLocation }: ApplicationServerOptions) {
  return (
    ref: DeviceRef,
    { message: { versionIds } }: ApplicationDeviceRow,
    frmPayload: Uint8Array,
    decoded: DecodedUplink,
  ): Opened => {
    const known = findIdentity(ref.applicationId, ref.deviceId)?.message.locations ?? {};
    const solved = decoded.data && locationIn(decoded.data);
    if (!solved) return { frmPayload, decoded, versionIds, locations: known, solved };
    const before = known[PAYLOAD_LOCATION];
    if (!before || !equals(LocationSchema, before, solved))
      recordLocation(ref, PAYLOAD_LOCATION, solved).catch((error: unknown) => {
        logger.warn({ error: errorText(error), device: ref.deviceId }, 'a location was not kept');
      });
    const locations = { ...known, [PAYLOAD_LOCATION]: solved };
    return { frmPayload, decoded, versionIds, locations, solved };
  };
}

/** Creates what decrypts and formats uplinks. A formatter that fails takes nothing away but the decoded payload. */
export function createUplinkHandler(options: ApplicationServerOptions) {
  const findSession = createSessionFinder(options);
  const { events, formatters } = options;
  const open = createOpener(options);
  return async (given: UplinkForApplication): Promise<ApplicationUplinkResult> => {
    const input = withUpId(given);
    const { device: ref, devAddr, fPort, fullFCnt, correlationIds } = input;
    const about = { identifiers: [deviceEntity(ref, devAddr)], correlationIds };
    events.publish({ name: 'as.up.data.receive', ...about });
    const found = await findSession(ref, input);
    if ('cause' in found) {
      publishDrop(events, 'as.up.data.drop', ref, about, found.cause);
      return { stage: stage(OUTCOME.DROPPED, [], found.cause), decodedPayloadWarnings: [] };
    }
    if ('skipped' in found) {
      const { lastAFCntDown = 0 } = found.skipped;
      const encrypted = fPort ? input.frmPayload : new Uint8Array();
      const opened = open(ref, found.device, encrypted, NOT_DECODED);
      publishUplink(options, input, { ...opened, lastAFCntDown });
      return { stage: stage(OUTCOME.ACCEPTED, []), decodedPayloadWarnings: [] };
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
      receivedAtMs: input.receivedAtMs,
    });
    publishUplink(options, input, open(ref, device, frmPayload, decoded));
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
