import { create } from '@bufbuild/protobuf';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { STATUS } from '../base/errors.ts';
import { deviceEntity, type EventBus, type EventData } from '../events/index.ts';
import {
  type AesKey,
  type DevEui,
  deriveJoinServerKeys,
  deriveSessionKeys10,
  deriveSessionKeys11,
  expandKey,
  formatJoinEuiPrefix,
  type JoinAcceptProtection,
  type JoinEui,
  type JoinEuiPrefix,
  type JoinRequestFrame,
  joinEuiPrefixContains,
  reverseEui64,
  type SessionKeys11,
  sealJoinAccept,
  verifyJoinRequestMic,
} from '../lorawan/index.ts';
import type { AcceptedJoin, JoinPort, JoinQuestion, RejectedJoin } from '../seams/joining.ts';
import type { Store, StoredSessionKeys } from '../store/index.ts';
import { refusal } from './errors.ts';
import { DEFAULT_DEV_NONCE_LIMIT, nextJoinState } from './nonces.ts';
import { judgeRejoin } from './rejoin.ts';
import { joinKeys, type RootKeys } from './root-keys.ts';
import { newSessionKeyId, SESSION_KEY_LIMIT } from './session-key-id.ts';

/** A device as the join registry holds it. */
export interface JoinDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly message: Pick<EndDevice, 'resetsJoinNonces'>;
  readonly rootKeys: RootKeys;
  readonly rootKeyId?: string | undefined;
}

/** A registration that may explain why a device is unknown. */
export type KnownDevice = Pick<JoinDevice, 'applicationId' | 'deviceId'> & {
  readonly joinEui?: JoinEui;
  readonly devEui?: DevEui;
};

/** What the join server needs of the registry; synchronous. */
export interface JoinRegistry {
  joinDeviceByEuis(joinEui: JoinEui, devEui: DevEui): JoinDevice | undefined;
  /** Registrations with this DevEUI, whatever their JoinEUI. */
  joinDevicesByDevEui(devEui: DevEui): readonly KnownDevice[];
}

/** What the user may choose about joins. */
export interface JoinSettings {
  /** Devices may join with these JoinEUIs; with any if there is none. */
  readonly joinEuiPrefixes?: readonly JoinEuiPrefix[] | undefined;
  /** Random DevNonces remembered per device of a version before 1.0.4, at least 1. */
  readonly devNonceLimit?: number | undefined;
}

export interface JoinServerOptions {
  readonly store: Pick<Store, 'joinState' | 'sessionKeys'>;
  readonly registry: JoinRegistry;
  readonly clock: Clock;
  readonly events: Pick<EventBus, 'publish'>;
  readonly random: (count: number) => Uint8Array;
  readonly settings?: JoinSettings;
}

/** The join server: judges joins, and hands out again the keys of sessions it made. */
export interface JoinServer extends JoinPort {
  /** Devices may join with these JoinEUIs; at least one. */
  readonly joinEuiPrefixes: readonly JoinEuiPrefix[];
  /** What to give a device that has none. */
  readonly defaultJoinEui: JoinEui;
  /** Keys of one of the newest sessions of a device; undefined if there is no such device or session. */
  sessionKeys(
    joinEui: JoinEui,
    devEui: DevEui,
    sessionKeyId: Uint8Array,
  ): StoredSessionKeys | undefined;
}

const ZERO_EUI = '0000000000000000';
const DEFAULT_JOIN_EUI = '0000000000000001' as JoinEui;
const ALL_JOIN_EUIS: JoinEuiPrefix = { joinEui: ZERO_EUI as JoinEui, length: 0 };

function rejected(cause: CauseCode, evidence: readonly EvidenceData[]): RejectedJoin {
  return { accepted: false, cause, evidence };
}

function requestEvidence({ joinEui, devEui, devNonce }: JoinRequestFrame): EvidenceData[] {
  return [fact('join_eui', joinEui), fact('dev_eui', devEui), fact('dev_nonce', devNonce)];
}

/** What a registration that almost fits says. */
function registrationEvidence(device: KnownDevice): EvidenceData[] {
  const { applicationId, deviceId, joinEui, devEui } = device;
  return [
    fact('registered_application_id', applicationId),
    fact('registered_device_id', deviceId),
    ...(joinEui ? [fact('registered_join_eui', joinEui)] : []),
    ...(devEui ? [fact('registered_dev_eui', devEui)] : []),
  ];
}

/**
 * The registration an unknown device probably means: that of its DevEUI, or of its DevEUI with the bytes the other way
 * round, as firmware that takes EUIs least significant byte first sends it.
 */
function nearestDevice(
  registry: JoinRegistry,
  { joinEui, devEui }: JoinRequestFrame,
): { readonly cause: CauseCode; readonly device: KnownDevice } | undefined {
  const reversedJoinEui = reverseEui64(joinEui);
  const reversedDevEui = reverseEui64(devEui);
  const sameDevEui = registry.joinDevicesByDevEui(devEui);
  const same = sameDevEui.find((device) => device.joinEui === joinEui);
  if (same) return { cause: 'device_not_found', device: same };
  const reversedJoin = sameDevEui.find((device) => device.joinEui === reversedJoinEui);
  if (reversedJoin) return { cause: 'join_eui_byte_order', device: reversedJoin };
  const [other] = sameDevEui;
  if (other) return { cause: 'unknown_join_eui', device: other };
  if (reversedDevEui === devEui) return undefined;
  const reversed = registry.joinDevicesByDevEui(reversedDevEui);
  const device =
    reversed.find((one) => one.joinEui === joinEui || one.joinEui === reversedJoinEui) ??
    reversed[0];
  return device && { cause: 'dev_eui_byte_order', device };
}

/** Keys of the new session (TS001-1.0.4 §6.2.3, LoRaWAN 1.1 §6.2.5). */
function sessionKeys(
  request: JoinQuestion,
  joinNonce: number,
  roots: { readonly networkRoot: AesKey; readonly applicationRoot: AesKey },
): SessionKeys11 {
  const { frame, netId, dlSettings } = request;
  const { joinEui, devNonce } = frame;
  if (dlSettings.optNeg) {
    return deriveSessionKeys11(roots.networkRoot, roots.applicationRoot, {
      joinNonce,
      joinEui,
      devNonce,
    });
  }
  const { nwkSKey, appSKey } = deriveSessionKeys10(roots.networkRoot, roots.applicationRoot, {
    joinNonce,
    netId,
    devNonce,
  });
  return { fNwkSIntKey: nwkSKey, sNwkSIntKey: nwkSKey, nwkSEncKey: nwkSKey, appSKey };
}

function protection(request: JoinQuestion, networkRoot: AesKey): JoinAcceptProtection {
  const { joinEui, devEui, devNonce } = request.frame;
  if (request.macVersion !== '1.1.0')
    return { encryptionKey: networkRoot, integrityKey: networkRoot };
  return {
    encryptionKey: networkRoot,
    integrityKey: expandKey(deriveJoinServerKeys(networkRoot, devEui).jsIntKey),
    lorawan11: { joinReqType: 0xff, joinEui, devNonce },
  };
}

/** Data of an event about a refused join. */
function refusalData(cause: CauseCode): EventData {
  const { namespace, reason, messageFormat, status } = refusal(cause);
  const message = create(ErrorDetailsSchema, {
    namespace,
    name: reason,
    messageFormat,
    code: STATUS[status],
  });
  return { schema: ErrorDetailsSchema, message };
}

/** Creates the join server. */
export function createJoinServer(options: JoinServerOptions): JoinServer {
  const { store, registry, clock, events, random, settings = {} } = options;
  const joinEuiPrefixes = settings.joinEuiPrefixes?.length
    ? settings.joinEuiPrefixes
    : [ALL_JOIN_EUIS];
  const devNonceLimit = settings.devNonceLimit ?? DEFAULT_DEV_NONCE_LIMIT;
  const isOurs = (joinEui: JoinEui): boolean =>
    joinEuiPrefixes.some((prefix) => joinEuiPrefixContains(prefix, joinEui));
  const prefixEvidence = (): EvidenceData =>
    fact('join_eui_prefixes', joinEuiPrefixes.map(formatJoinEuiPrefix).join(', '));

  const publish = (
    name: string,
    device: KnownDevice,
    correlationIds: readonly string[],
    causeCode?: CauseCode,
  ): void => {
    events.publish({
      name,
      identifiers: [deviceEntity(device)],
      correlationIds,
      ...(causeCode !== undefined && { causeCode, data: () => refusalData(causeCode) }),
    });
  };

  const explain = (frame: JoinRequestFrame): RejectedJoin & { readonly nearest?: KnownDevice } => {
    const evidence = requestEvidence(frame);
    if (frame.devEui === ZERO_EUI) return rejected('no_dev_eui', evidence);
    if (!isOurs(frame.joinEui))
      return rejected('unknown_join_eui', [...evidence, prefixEvidence()]);
    const found = nearestDevice(registry, frame);
    if (!found) return rejected('device_not_found', evidence);
    const { cause, device } = found;
    evidence.push(...registrationEvidence(device));
    // No EUI is wrong: the registration is incomplete.
    if (cause === 'device_not_found') evidence.push(fact('not_registered_with', 'network server'));
    return { ...rejected(cause, evidence), nearest: device };
  };

  const judge = (request: JoinQuestion, device: JoinDevice): AcceptedJoin | RejectedJoin => {
    const { frame, macVersion } = request;
    const before = store.joinState.get(device.row);
    const evidence: EvidenceData[] = requestEvidence(frame);
    if (before.lastDevNonce !== undefined)
      evidence.push(fact('last_dev_nonce', before.lastDevNonce));
    const roots = joinKeys(device.rootKeys, device.rootKeyId, macVersion);
    const isAuthentic = roots.ok && verifyJoinRequestMic(roots.keys.networkRoot, frame.phyPayload);
    const next = nextJoinState(before, frame.devNonce, {
      macVersion,
      resetsJoinNonces: device.message.resetsJoinNonces,
      devNonceLimit,
    });
    if (!roots.ok) return rejected(roots.cause, evidence);
    evidence.push(fact('mic_matches', isAuthentic));
    if (!isAuthentic) return rejected('mic_mismatch', evidence);
    if (!next.ok) return rejected(next.cause, evidence);
    const { joinNonce } = next;
    const joinAccept = sealJoinAccept(
      {
        joinNonce,
        netId: request.netId,
        devAddr: request.devAddr,
        dlSettings: request.dlSettings,
        rxDelay: request.rxDelay,
        ...(request.cfList && { cfList: request.cfList }),
      },
      protection(request, roots.keys.networkRoot),
    );
    const keys = sessionKeys(request, joinNonce, roots.keys);
    const sessionKeyId = newSessionKeyId(clock.now(), random);
    store.joinState.put(device.row, next.state);
    store.sessionKeys.put(device.row, sessionKeyId, keys, SESSION_KEY_LIMIT);
    evidence.push(fact('join_nonce', joinNonce), fact('session_key_id', sessionKeyId));
    const known = { ...device, joinEui: frame.joinEui, devEui: frame.devEui };
    const announce = (): void => publish('js.join.accept', known, request.correlationIds);
    return { accepted: true, joinAccept, sessionKeyId, keys, joinNonce, evidence, announce };
  };

  const explainUnknownDevice: JoinPort['explainUnknownDevice'] = (frame, correlationIds) => {
    const { nearest, ...answer } = explain(frame);
    if (nearest) publish('js.join.reject', nearest, correlationIds, answer.cause);
    return answer;
  };

  return {
    joinEuiPrefixes,
    defaultJoinEui: isOurs(DEFAULT_JOIN_EUI)
      ? DEFAULT_JOIN_EUI
      : (joinEuiPrefixes[0]?.joinEui ?? DEFAULT_JOIN_EUI),
    sessionKeys(joinEui, devEui, sessionKeyId) {
      const device = registry.joinDeviceByEuis(joinEui, devEui);
      return device && store.sessionKeys.get(device.row, sessionKeyId);
    },
    explainUnknownDevice,
    handleRejoin(question) {
      const { frame, joinEui, correlationIds } = question;
      const evidence = [fact('dev_eui', frame.devEui)];
      if (!isOurs(joinEui))
        return rejected('unknown_join_eui', [
          ...evidence,
          fact('join_eui', joinEui),
          prefixEvidence(),
        ]);
      const device = registry.joinDeviceByEuis(joinEui, frame.devEui);
      if (!device) return rejected('device_not_found', evidence);
      const known = { ...device, joinEui, devEui: frame.devEui };
      const answer = judgeRejoin({ store, clock, random }, question, device);
      if (!answer.accepted) {
        publish('js.rejoin.reject', known, correlationIds, answer.cause);
        return answer;
      }
      return { ...answer, announce: () => publish('js.rejoin.accept', known, correlationIds) };
    },
    handleJoin(request) {
      const { frame, correlationIds } = request;
      const { joinEui, devEui } = frame;
      const isKnown = devEui !== ZERO_EUI && isOurs(joinEui);
      const device = isKnown ? registry.joinDeviceByEuis(joinEui, devEui) : undefined;
      if (!device) return explainUnknownDevice(frame, correlationIds);
      const answer = judge(request, device);
      if (!answer.accepted)
        publish('js.join.reject', { ...device, joinEui, devEui }, correlationIds, answer.cause);
      return answer;
    },
  };
}
