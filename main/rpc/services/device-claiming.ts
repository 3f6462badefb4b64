import { create, type MessageInitShape, type Registry as TypeRegistry } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  BatchUnclaimEndDevicesResponseSchema,
  type ClaimEndDeviceRequest,
  EndDeviceBatchClaimingServer,
  EndDeviceClaimingServer,
  GetClaimStatusResponseSchema,
  type GetInfoByJoinEUIRequest,
  GetInfoByJoinEUIResponseSchema,
  GetInfoByJoinEUIsResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/deviceclaimingserver_pb.js';
import type { ErrorDetails } from '../../api/gen/ttn/lorawan/v3/error_pb.js';
import { EndDeviceIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { GatehouseError } from '../../base/errors.ts';
import {
  type DevEui,
  eui64FromBytes,
  eui64ToBytes,
  type JoinEui,
  netIdToBytes,
} from '../../lorawan/index.ts';
import {
  type ClaimingStore,
  type ClaimSubject,
  type ClaimUpstream,
  claimDeviceNotFound,
  claimingNotSupported,
  noDevicesFound,
  noEui,
  noEuis,
  qrCodeData,
  readLabel,
} from '../../registry/claiming/index.ts';
import type { Registry } from '../../registry/index.ts';
import { errorDetails } from '../api-errors.ts';
import type { Caller } from '../call.ts';
import { requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

/** What the claiming services need. */
export interface ClaimingPorts {
  /** Asked in this order: the first that covers a JoinEUI decides. */
  readonly upstreams: readonly ClaimUpstream[];
  readonly authorizations: Pick<ClaimingStore, 'authorize' | 'unauthorize'>;
  /** Checked before anything is claimed for an application. */
  readonly applications: Pick<Registry['applications'], 'get'>;
  readonly findDevice: Registry['identityDeviceByIds'];
  /** Who a token says is calling. */
  callerOf(authorization: string): Caller;
  readonly types: TypeRegistry;
}

const ZERO_EUI = '0000000000000000' as JoinEui;
const empty = create(EmptySchema);
const joinEuiOf = (bytes: Uint8Array): JoinEui =>
  bytes.length === 0 ? ZERO_EUI : (eui64FromBytes(bytes) as JoinEui);

function upstreamOf({ upstreams }: ClaimingPorts, joinEui: JoinEui): ClaimUpstream {
  const upstream = upstreams.find((one) => one.covers(joinEui));
  if (!upstream) throw claimingNotSupported({ eui: joinEui });
  return upstream;
}

interface ClaimedLabel {
  readonly joinEui: JoinEui;
  readonly devEui: DevEui | undefined;
  readonly code: string;
}

function labelOfQrCode(bytes: Uint8Array): ClaimedLabel {
  try {
    const { joinEui, devEui, ownerToken } = readLabel(new TextDecoder().decode(bytes));
    return {
      joinEui: (joinEui ?? ZERO_EUI) as JoinEui,
      devEui: devEui as DevEui,
      code: ownerToken ?? '',
    };
  } catch (error) {
    throw qrCodeData({}, { cause: error });
  }
}

function labelOf({ sourceDevice }: ClaimEndDeviceRequest): ClaimedLabel {
  if (sourceDevice.case === 'qrCode') return labelOfQrCode(sourceDevice.value);
  const { joinEui, devEui, authenticationCode } = sourceDevice.value ?? {};
  return {
    joinEui: joinEuiOf(joinEui ?? new Uint8Array()),
    devEui: devEui && devEui.length > 0 ? (eui64FromBytes(devEui) as DevEui) : undefined,
    code: authenticationCode ?? '',
  };
}

async function claim(ports: ClaimingPorts, request: ClaimEndDeviceRequest) {
  const applicationId = request.targetApplicationIds?.applicationId ?? '';
  const { joinEui, devEui, code } = labelOf(request);
  const upstream = upstreamOf(ports, joinEui);
  if (devEui === undefined) throw noEui();
  await ports.applications.get(applicationId, []);
  const deviceId = request.targetDeviceId || `eui-${devEui.toLowerCase()}`;
  await upstream.claim({ joinEui, devEui, applicationId, deviceId }, code);
  return create(EndDeviceIdentifiersSchema, {
    deviceId,
    applicationIds: { applicationId },
    joinEui: eui64ToBytes(joinEui),
    devEui: eui64ToBytes(devEui),
  });
}

/** A registered device with what decides about its claim. */
function claimed(
  ports: ClaimingPorts,
  applicationId: string,
  deviceId: string,
): { readonly subject: ClaimSubject; readonly upstream: ClaimUpstream } {
  const names = { device_id: deviceId, application_id: applicationId };
  const device = ports.findDevice(applicationId, deviceId);
  if (!device) throw claimDeviceNotFound(names);
  const { joinEui, devEui } = device;
  if (joinEui === undefined || devEui === undefined) throw noEuis(names);
  return {
    subject: { joinEui, devEui, applicationId, deviceId },
    upstream: upstreamOf(ports, joinEui),
  };
}

async function unclaim(ports: ClaimingPorts, applicationId: string, deviceId: string) {
  const { subject, upstream } = claimed(ports, applicationId, deviceId);
  await upstream.unclaim(subject);
}

async function batchUnclaim(
  ports: ClaimingPorts,
  applicationId: string,
  deviceIds: readonly string[],
) {
  const known = [...new Set(deviceIds)].filter((id) => ports.findDevice(applicationId, id));
  if (known.length === 0) throw noDevicesFound({ application_id: applicationId });
  const failed: Record<string, ErrorDetails> = {};
  for (const deviceId of known) {
    try {
      await unclaim(ports, applicationId, deviceId);
    } catch (error) {
      if (!(error instanceof GatehouseError)) throw error;
      failed[deviceId] = errorDetails(error, ports.types);
    }
  }
  return create(BatchUnclaimEndDevicesResponseSchema, {
    applicationIds: { applicationId },
    failed,
  });
}

function info(
  { upstreams }: ClaimingPorts,
  { joinEui }: GetInfoByJoinEUIRequest,
): MessageInitShape<typeof GetInfoByJoinEUIResponseSchema> {
  const supportsClaiming = upstreams.some((one) => one.covers(joinEuiOf(joinEui)));
  return { joinEui, supportsClaiming };
}

/** The key has to open the application that it is given for, and to let its devices be taken out. */
function checkAuthorization(ports: ClaimingPorts, applicationId: string, apiKey: string): void {
  const caller = ports.callerOf(`Bearer ${apiKey}`);
  for (const right of ['RIGHT_APPLICATION_DEVICES_READ', 'RIGHT_APPLICATION_DEVICES_WRITE'])
    requireRight(caller, right, { kind: 'application', id: applicationId });
}

/** Claiming of end devices. It registers and deletes none: that is up to the client, as in The Things Stack. */
export function claimingServices(ports: ClaimingPorts): Served[] {
  return [
    serve(EndDeviceClaimingServer, {
      claim: (request) => claim(ports, request),
      async unclaim({ applicationIds, deviceId }) {
        await unclaim(ports, applicationIds?.applicationId ?? '', deviceId);
        return empty;
      },
      getInfoByJoinEUI: (request) => create(GetInfoByJoinEUIResponseSchema, info(ports, request)),
      async getClaimStatus(ids) {
        const applicationId = ids.applicationIds?.applicationId ?? '';
        const { subject, upstream } = claimed(ports, applicationId, ids.deviceId);
        const { homeNetId } = await upstream.status(subject);
        return create(GetClaimStatusResponseSchema, {
          endDeviceIds: {
            deviceId: ids.deviceId,
            applicationIds: { applicationId },
            joinEui: eui64ToBytes(subject.joinEui),
            devEui: eui64ToBytes(subject.devEui),
          },
          homeNetId: netIdToBytes(homeNetId),
        });
      },
      async authorizeApplication({ applicationIds, apiKey }) {
        const applicationId = applicationIds?.applicationId ?? '';
        await ports.applications.get(applicationId, []);
        checkAuthorization(ports, applicationId, apiKey);
        await ports.authorizations.authorize(applicationId, apiKey);
        return empty;
      },
      async unauthorizeApplication({ applicationId }) {
        await ports.authorizations.unauthorize(applicationId);
        return empty;
      },
    }),
    serve(EndDeviceBatchClaimingServer, {
      unclaim: ({ applicationIds, deviceIds }) =>
        batchUnclaim(ports, applicationIds?.applicationId ?? '', deviceIds),
      getInfoByJoinEUIs: ({ requests }) =>
        create(GetInfoByJoinEUIsResponseSchema, {
          infos: requests.map((request) => info(ports, request)),
        }),
    }),
  ];
}
