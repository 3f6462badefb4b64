import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type JoinRequest,
  type JoinResponse,
  JoinResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/join_pb.js';
import {
  AppJs,
  AppSKeyResponseSchema,
  AsJs,
  GetDefaultJoinEUIResponseSchema,
  JoinEUIPrefixesSchema,
  Js,
  NsJs,
  NwkSKeysResponseSchema,
  type SessionKeyRequest,
} from '../../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import type { KeyEnvelopeSchema } from '../../api/gen/ttn/lorawan/v3/keys_pb.js';
import { type CFList, CFListType, MACVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  decodePayload,
  type JoinServer,
  joinDeviceNotFound,
  macVersionUnknown,
  majorVersion,
  noJoinRequest,
  payloadType,
  refusal,
  registryOperation,
  sessionNotFound,
} from '../../join-server/index.ts';
import {
  type DevEui,
  decodeFrame,
  devAddrFromBytes,
  eui64FromBytes,
  eui64ToBytes,
  type JoinEui,
  type JoinRequestFrame,
  netIdFromBytes,
  parseMacVersion,
} from '../../lorawan/index.ts';
import type { JoinQuestion } from '../../seams/joining.ts';
import type { Store, StoredSessionKeys } from '../../store/index.ts';
import { type Caller, isAdmin } from '../call.ts';
import { requireRight, unauthenticated } from '../rights.ts';
import { type Served, serve } from '../router.ts';

/** Where the join server finds the device that has a pair of EUIs. */
export interface JoinDevicePort {
  joinDeviceByEuis(
    joinEui: JoinEui,
    devEui: DevEui,
  ): { readonly applicationId: string } | undefined;
}

export interface JoinServiceOptions {
  readonly joinServer: JoinServer;
  readonly registry: JoinDevicePort;
  readonly store: Pick<Store, 'unit'>;
}

type Envelope = MessageInitShape<typeof KeyEnvelopeSchema>;

const EUI_BYTES = 8;
const CF_LIST_BYTES = 16;
const READ_KEYS = 'RIGHT_APPLICATION_DEVICES_READ_KEYS';

const envelope = (key: Uint8Array): Envelope => ({ key });
const euiOf = (bytes: Uint8Array): DevEui =>
  eui64FromBytes(bytes.length === EUI_BYTES ? bytes : new Uint8Array(EUI_BYTES));

/** CFList as it goes on air: frequencies in units of 100 Hz, or one bit per channel. */
function cfListBytes({ type, freq, chMasks }: CFList): Uint8Array {
  const bytes = new Uint8Array(CF_LIST_BYTES);
  if (type === CFListType.FREQUENCIES)
    for (const [index, units] of freq.slice(0, 5).entries())
      bytes.set([units, units >>> 8, units >>> 16], 3 * index);
  else
    for (const [index, isOn] of chMasks.slice(0, 8 * (CF_LIST_BYTES - 1)).entries())
      if (isOn) bytes[index >> 3]! |= 1 << (index & 7);
  bytes[CF_LIST_BYTES - 1] = type;
  return bytes;
}

function joinRequestFrame(rawPayload: Uint8Array): JoinRequestFrame {
  if (rawPayload.length === 0) throw noJoinRequest();
  const frame = decodeFrame(rawPayload);
  const type = frame.fType === 'INVALID' ? frame.declaredFType : frame.fType;
  if (frame.major !== 0) throw majorVersion({ major: frame.major });
  if (type !== undefined && type !== 'JOIN_REQUEST') throw payloadType({ type });
  if (frame.fType !== 'JOIN_REQUEST')
    throw decodePayload({ reason: frame.issues[0]?.message ?? 'it is too short.' });
  return frame;
}

function questionOf(request: JoinRequest): JoinQuestion {
  const macVersion = parseMacVersion(MACVersion[request.selectedMacVersion] ?? '');
  if (!macVersion)
    throw macVersionUnknown({ version: MACVersion[request.selectedMacVersion] ?? '' });
  const { downlinkSettings, cfList } = request;
  const padded = (bytes: Uint8Array, size: number) =>
    bytes.length === size ? bytes : new Uint8Array(size);
  return {
    frame: joinRequestFrame(request.rawPayload),
    macVersion,
    devAddr: devAddrFromBytes(padded(request.devAddr, 4)),
    netId: netIdFromBytes(padded(request.netId, 3)),
    dlSettings: {
      rx1DrOffset: downlinkSettings?.rx1DrOffset ?? 0,
      rx2Dr: downlinkSettings?.rx2Dr ?? 0,
      optNeg: downlinkSettings?.optNeg ?? false,
    },
    rxDelay: request.rxDelay,
    ...(cfList && { cfList: cfListBytes(cfList) }),
    correlationIds: request.correlationIds,
  };
}

/** A session of LoRaWAN 1.0.x has one network key, which stands in for all three. */
function sessionKeysMessage(sessionKeyId: Uint8Array, keys: StoredSessionKeys, is11: boolean) {
  return {
    sessionKeyId,
    fNwkSIntKey: envelope(keys.fNwkSIntKey),
    ...(is11 && {
      sNwkSIntKey: envelope(keys.sNwkSIntKey),
      nwkSEncKey: envelope(keys.nwkSEncKey),
    }),
    appSKey: envelope(keys.appSKey),
  };
}

async function handleJoin(
  { joinServer, store }: JoinServiceOptions,
  request: JoinRequest,
): Promise<JoinResponse> {
  const question = questionOf(request);
  const answer = await store.unit(() => joinServer.handleJoin(question));
  if (!answer.accepted) throw refusal(answer.cause);
  answer.announce();
  return create(JoinResponseSchema, {
    rawPayload: answer.joinAccept,
    sessionKeys: sessionKeysMessage(answer.sessionKeyId, answer.keys, question.dlSettings.optNeg),
    correlationIds: request.correlationIds,
  });
}

/** The join server: JoinEUIs it answers, joins, and keys of sessions. */
export function joinServerServices(options: JoinServiceOptions): Served[] {
  const { joinServer, registry } = options;
  const keysOf = ({ joinEui, devEui, sessionKeyId }: SessionKeyRequest): StoredSessionKeys => {
    const keys = joinServer.sessionKeys(euiOf(joinEui), euiOf(devEui), sessionKeyId);
    if (!keys) throw registryOperation({}, { cause: sessionNotFound() });
    return keys;
  };
  const appSKey = (request: SessionKeyRequest) =>
    create(AppSKeyResponseSchema, { appSKey: envelope(keysOf(request).appSKey) });
  const checkKeyRight = (caller: Caller, { joinEui, devEui }: SessionKeyRequest): void => {
    if (caller.kind === 'anonymous') throw unauthenticated();
    const device = registry.joinDeviceByEuis(euiOf(joinEui), euiOf(devEui));
    // Whoever may not read the keys of every device learns nothing about which devices there are.
    if (device) requireRight(caller, READ_KEYS, { kind: 'application', id: device.applicationId });
    else if (isAdmin(caller)) throw registryOperation({}, { cause: joinDeviceNotFound() });
    else requireRight(caller, READ_KEYS, { kind: 'application', id: '' });
  };
  return [
    serve(Js, {
      getJoinEUIPrefixes: () =>
        create(JoinEUIPrefixesSchema, {
          prefixes: joinServer.joinEuiPrefixes.map(({ joinEui, length }) => ({
            joinEui: eui64ToBytes(joinEui),
            length,
          })),
        }),
      getDefaultJoinEUI: () =>
        create(GetDefaultJoinEUIResponseSchema, {
          joinEui: eui64ToBytes(joinServer.defaultJoinEui),
        }),
    }),
    serve(NsJs, {
      handleJoin: (request) => handleJoin(options, request),
      getNwkSKeys(request) {
        const { fNwkSIntKey, sNwkSIntKey, nwkSEncKey } = keysOf(request);
        return create(NwkSKeysResponseSchema, {
          fNwkSIntKey: envelope(fNwkSIntKey),
          sNwkSIntKey: envelope(sNwkSIntKey),
          nwkSEncKey: envelope(nwkSEncKey),
        });
      },
    }),
    serve(AsJs, { getAppSKey: appSKey }),
    serve(AppJs, {
      getAppSKey(request, { caller }) {
        checkKeyRight(caller, request);
        return appSKey(request);
      },
    }),
  ];
}
