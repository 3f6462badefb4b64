import { create } from '@bufbuild/protobuf';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { STATUS } from '../base/errors.ts';
import { deviceEntity, type EventBus, type EventData } from '../events/index.ts';
import {
  type DevEui,
  formatJoinEuiPrefix,
  type JoinEui,
  type JoinEuiPrefix,
  type JoinRequestFrame,
  joinEuiPrefixContains,
} from '../lorawan/index.ts';
import type { JoinPort } from '../seams/joining.ts';
import type { Store, StoredSessionKeys } from '../store/index.ts';
import { refusal } from './errors.ts';
import { judgeJoin } from './judge-join.ts';
import { DEFAULT_DEV_NONCE_LIMIT } from './nonces.ts';
import { judgeRejoin } from './rejoin.ts';
import type { RootKeys } from './root-keys.ts';
import { explainUnknown, rejected, requestEvidence } from './unknown-device.ts';

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

  const explain = (frame: JoinRequestFrame): ReturnType<typeof explainUnknown> => {
    if (frame.devEui === ZERO_EUI) return rejected('no_dev_eui', requestEvidence(frame));
    if (!isOurs(frame.joinEui))
      return rejected('unknown_join_eui', [...requestEvidence(frame), prefixEvidence()]);
    return explainUnknown(registry, frame);
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
      const known = { ...device, joinEui, devEui };
      const answer = judgeJoin({ store, clock, random, devNonceLimit }, request, device);
      if (!answer.accepted) {
        publish('js.join.reject', known, correlationIds, answer.cause);
        return answer;
      }
      return { ...answer, announce: () => publish('js.join.accept', known, correlationIds) };
    },
  };
}
