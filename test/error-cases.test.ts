/**
 * The refusals that clients of The Things Stack know by name: each has the same namespace, name and code over gRPC and at
 * every HTTP path of its method, where the status is that of the code.
 */
import { create, type DescMethod, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApplicationAccess } from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import { AppAs, AsEndDeviceRegistry } from '../main/api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { EndDeviceClaimingServer } from '../main/api/gen/ttn/lorawan/v3/deviceclaimingserver_pb.js';
import { DeviceRepository } from '../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import {
  EndDeviceRegistry,
  EndDeviceTemplateConverter,
} from '../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { type ErrorDetails, ErrorDetailsSchema } from '../main/api/gen/ttn/lorawan/v3/error_pb.js';
import { Events } from '../main/api/gen/ttn/lorawan/v3/events_pb.js';
import { JsEndDeviceRegistry } from '../main/api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { MACVersion, PHYVersion } from '../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { NsEndDeviceRegistry } from '../main/api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { EndDeviceQRCodeGenerator } from '../main/api/gen/ttn/lorawan/v3/qrcodegenerator_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { UserRegistry } from '../main/api/gen/ttn/lorawan/v3/user_services_pb.js';
import { bindingsOf, callMethod, restRequest } from './support/contract-requests.ts';
import { API_KEY } from './support/headless-process.ts';
import { openServedApp, type ServedApp } from './support/served-app.ts';

const HOUR_MS = 3_600_000;
/** HTTP status of each gRPC code that stands below, as the gRPC gateway of The Things Stack maps them. */
const STATUS: Readonly<Record<number, number>> = {
  [Code.InvalidArgument]: 400,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.Unauthenticated]: 401,
};
const VALIDATOR = 'pkg/rpcmiddleware/validator';
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const text = (from: string): Uint8Array => new TextEncoder().encode(from);
const ZERO_KEY = { key: new Uint8Array(16) };
const KEY = { key: bytes('8AFE71A145B253E49C3031AD068277A1') };
const OTHER_KEY = { key: bytes('8AFE71A145B253E49C3031AD068277A2') };

const lab = { applicationId: 'lab' };
const joinEui = bytes('70B3D57ED0000001');
const devEui = bytes('0004A30B001C0530');
/** An OTAA device on all servers, the names of one that is on none, and an ABP device with a session. */
const meter = { deviceId: 'meter', applicationIds: lab, joinEui, devEui };
const nobody = { deviceId: 'nobody', applicationIds: lab };
const nobodyWithEuis = { ...nobody, joinEui, devEui: bytes('0004A30B001C0599') };
const door = { deviceId: 'door', applicationIds: lab };

const VERSIONS = {
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
};
const VERSION_PATHS = ['frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'];
const devAddr = bytes('02000001');

let served: ServedApp;
/** Tokens by what is the matter with them. */
const tokens = { admin: API_KEY, none: '', expired: '', poor: '', wrong: '' };

interface Case {
  readonly title: string;
  readonly method: DescMethod;
  readonly request: Message;
  readonly refusal: string;
  readonly code: Code;
  readonly more?: object;
  readonly token?: keyof typeof tokens | (string & {});
}

function refused<M extends DescMethod>(
  of: string,
  method: M,
  request: MessageInitShape<M['input']>,
  refusal: string,
  code: Code,
  more: Pick<Case, 'more' | 'token'> = {},
): Case {
  const title = `${method.parent.name}.${method.name} refuses ${of}`;
  return { title, method, request: create(method.input, request), refusal, code, ...more };
}

const is = EndDeviceRegistry.method;
const js = JsEndDeviceRegistry.method;
const ns = NsEndDeviceRegistry.method;
const as = AsEndDeviceRegistry.method;
const mask = (...paths: string[]) => ({ fieldMask: { paths } });
const { InvalidArgument, NotFound, AlreadyExists, PermissionDenied, FailedPrecondition } = Code;
const ofField = (field: string) => ({ more: { attributes: { field } } });
const REFUSED_EUIS = 'pkg/internal/registry:end_device_euis_taken';
const readMeter = { endDeviceIds: meter };

// biome-ignore format: one line or few per case, as in a table
const CASES: readonly Case[] = [
  refused('a path outside the list', is.get, { ...readMeter, ...mask('name', 'colour') }, `${VALIDATOR}:field_mask_paths`, InvalidArgument,
    { more: { attributes: { forbidden_paths: ['colour'] } } }),
  refused('a hidden field below a path', ns.set, { endDevice: { ids: meter, session: { devAddr, keys: { appSKey: KEY } } }, ...mask('session') },
    `${VALIDATOR}:non_zero_path`, InvalidArgument),
  refused('a name that is too long', is.create, { endDevice: { ids: nobody, name: 'n'.repeat(51) } }, 'pkg/errors:validation', InvalidArgument),
  refused('bad ids as the request', is.delete, { ...nobody, deviceId: 'No_Body' }, 'pkg/ttnpb:identifiers', InvalidArgument),
  refused('no credentials', is.get, readMeter, 'pkg/auth/rights:no_application_rights', PermissionDenied, { token: 'none' }),
  refused('an unknown key', is.get, readMeter, 'pkg/identityserver:api_key_not_found', Code.Unauthenticated, { token: 'NNSXS.NOBODY.SECRET' }),
  refused('a wrong secret', is.get, readMeter, 'pkg/identityserver:invalid_authorization', Code.Unauthenticated, { token: 'wrong' }),
  refused('an expired key', is.get, readMeter, 'pkg/identityserver:api_key_expired', Code.Unauthenticated, { token: 'expired' }),
  refused('a malformed token', is.get, readMeter, 'pkg/auth:token', InvalidArgument, { token: 'nonsense' }),
  refused('missing rights', is.get, readMeter, 'pkg/auth/rights:insufficient_application_rights', PermissionDenied, { token: 'poor' }),
  refused('whoever is no administrator', UserRegistry.method.list, {}, 'pkg/auth/rights:no_admin', PermissionDenied, { token: 'poor' }),
  refused('a taken id', is.create, { endDevice: { ids: meter } }, 'pkg/util/store:id_taken', AlreadyExists),
  refused('taken EUIs', is.create, { endDevice: { ids: { ...meter, deviceId: 'nobody' } } }, 'pkg/identityserver:end_device_euis_taken', AlreadyExists,
    { more: { attributes: { join_eui: '70B3D57ED0000001', dev_eui: '0004A30B001C0530', device_id: 'meter', application_id: 'lab' } } }),
  refused('another network server', is.create, { endDevice: { ids: nobody, networkServerAddress: 'b.example' } },
    'pkg/identityserver:network_server_address_mismatch', InvalidArgument),
  refused('a claim code that ends before it begins', is.create,
    { endDevice: { ids: nobody, claimAuthenticationCode: { value: 'A1', validFrom: timestampFromMs(2000), validTo: timestampFromMs(1000) } } },
    'pkg/identityserver:claim_authentication_code', InvalidArgument),
  refused('a claim code that ends before it begins', is.update,
    { endDevice: { ids: meter, claimAuthenticationCode: { value: 'A1', validFrom: timestampFromMs(2000), validTo: timestampFromMs(1000) } },
      ...mask('claim_authentication_code') },
    'pkg/identityserver:claim_authentication_code', InvalidArgument),
  refused('an unknown device', is.get, { endDeviceIds: nobody }, 'pkg/identityserver/store:end_device_not_found', NotFound),
  refused('an unknown device', is.update, { endDevice: { ids: nobody }, ...mask('name') }, 'pkg/identityserver/store:end_device_not_found', NotFound),
  refused('an unknown device', is.delete, nobody, 'pkg/identityserver/store:end_device_not_found', NotFound),
  refused('no JoinEUI', js.set, { endDevice: { ids: { ...nobody, devEui } } }, 'pkg/joinserver:no_join_eui', InvalidArgument),
  refused('no DevEUI', js.set, { endDevice: { ids: { ...nobody, joinEui } } }, 'pkg/joinserver:no_dev_eui', InvalidArgument),
  refused('a zero AppKey', js.set, { endDevice: { ids: meter, rootKeys: { appKey: ZERO_KEY } }, ...mask('root_keys.app_key.key') },
    'pkg/joinserver:field_value', InvalidArgument, ofField('root_keys.app_key.key')),
  refused('ids in the mask of an update', js.set, { endDevice: { ids: meter }, ...mask('ids') }, 'pkg/joinserver:field_mask', InvalidArgument),
  refused('another DevEUI', js.set, { endDevice: { ids: { ...nobodyWithEuis, deviceId: 'meter' } }, ...mask('network_server_address') },
    'pkg/joinserver/redis:read_only_field', InvalidArgument),
  refused('taken EUIs', js.set, { endDevice: { ids: { ...meter, deviceId: 'nobody' }, rootKeys: { appKey: KEY } }, ...mask('root_keys.app_key.key') },
    REFUSED_EUIS, AlreadyExists),
  refused('taken EUIs', ns.set,
    { endDevice: { ids: { ...meter, deviceId: 'nobody' }, ...VERSIONS, supportsJoin: true }, ...mask(...VERSION_PATHS, 'supports_join') }, REFUSED_EUIS, AlreadyExists),
  refused('an unknown device', js.get, { endDeviceIds: nobodyWithEuis }, 'pkg/joinserver:device_not_found', NotFound),
  refused('an unknown device', js.delete, nobodyWithEuis, 'pkg/joinserver:device_not_found', NotFound),
  refused('ABP without a session', ns.set, { endDevice: { ids: nobodyWithEuis, ...VERSIONS }, ...mask(...VERSION_PATHS, 'supports_join') },
    'pkg/networkserver:field_value', InvalidArgument, { more: { attributes: { field: 'session.dev_addr' }, cause: { name: 'field_is_zero' } } }),
  refused('OTAA without EUIs', ns.set, { endDevice: { ids: nobody, ...VERSIONS, supportsJoin: true }, ...mask(...VERSION_PATHS, 'supports_join') },
    'pkg/networkserver:field_value', InvalidArgument),
  refused('an unknown frequency plan', ns.set, { endDevice: { ids: meter, frequencyPlanId: 'MOON_1' }, ...mask('frequency_plan_id') },
    'pkg/frequencyplans:not_found', NotFound),
  refused('a device of another band', ns.set, { endDevice: { ids: meter, frequencyPlanId: 'EU_863_870', versionIds: { bandId: 'US_902_928' } },
      ...mask('frequency_plan_id', 'version_ids.band_id') },
    'pkg/networkserver:field_value', InvalidArgument,
    { more: { attributes: { field: 'version_ids.band_id' }, cause: { name: 'device_and_frequency_plan_band_mismatch' } } }),
  refused('a 1.1 session that lacks a key', ns.set,
    { endDevice: { ids: nobodyWithEuis, ...VERSIONS, lorawanVersion: MACVersion.MAC_V1_1, lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
        session: { devAddr, keys: { fNwkSIntKey: KEY, sNwkSIntKey: OTHER_KEY } } },
      ...mask(...VERSION_PATHS, 'supports_join', 'session.dev_addr', 'session.keys.f_nwk_s_int_key.key', 'session.keys.s_nwk_s_int_key.key') },
    'pkg/networkserver:field_value', InvalidArgument, ofField('session.keys.nwk_s_enc_key.key')),
  refused('ABP made of OTAA', ns.set, { endDevice: { ids: meter, supportsJoin: false }, ...mask('supports_join') },
    'pkg/networkserver:field_value', InvalidArgument),
  refused('an unknown device', ns.get, { endDeviceIds: nobody }, 'pkg/redis:not_found', NotFound),
  refused('an unknown device', as.get, { endDeviceIds: nobody }, 'pkg/redis:not_found', NotFound),
  refused('an unknown device', ns.delete, nobody, 'pkg/networkserver:device_not_found', NotFound),
  refused('an unknown device', as.delete, nobody, 'pkg/applicationserver:device_not_found', NotFound),
  refused('a zero AppSKey', as.set, { endDevice: { ids: door, session: { devAddr, keys: { appSKey: ZERO_KEY } } }, ...mask('session.keys.app_s_key.key') },
    'pkg/applicationserver:field_value', InvalidArgument, ofField('session.keys.app_s_key.key')),
  // The contract limits its characters, the server its bytes.
  refused('a script that is too large', as.set,
    { endDevice: { ids: door, formatters: { upFormatterParameter: 'ü'.repeat(20_481) } }, ...mask('formatters.up_formatter_parameter') },
    'pkg/applicationserver:field_value', InvalidArgument, { more: { cause: { name: 'formatter_script_too_large' } } }),
  refused('a downlink without session', AppAs.method.downlinkQueuePush, { endDeviceIds: meter, downlinks: [{ fPort: 1, frmPayload: text('a') }] },
    'pkg/applicationserver:no_device_session', FailedPrecondition),
  refused('a counter that is too low', AppAs.method.downlinkQueuePush, { endDeviceIds: door, downlinks: [{ fPort: 1, fCnt: 3, frmPayload: text('a') }] },
    'pkg/networkserver:f_cnt_too_low', InvalidArgument, { more: { attributes: { f_cnt: 3, min_f_cnt: 8 } } }),
  refused('a session that is over', AppAs.method.downlinkQueuePush,
    { endDeviceIds: door, downlinks: [{ fPort: 1, fCnt: 8, sessionKeyId: text('old'), frmPayload: text('a') }] }, 'pkg/networkserver:unknown_session', NotFound),
  refused('a JoinEUI that is not covered', EndDeviceClaimingServer.method.claim,
    { targetApplicationIds: lab, sourceDevice: { case: 'authenticatedIdentifiers', value: { joinEui, devEui, authenticationCode: 'A1' } } },
    'pkg/deviceclaimingserver:claiming_not_supported', Code.Aborted, { more: { attributes: { eui: '70B3D57ED0000001' } } }),
  refused('a QR code that cannot be read', EndDeviceClaimingServer.method.claim, { targetApplicationIds: lab, sourceDevice: { case: 'qrCode', value: text('no such code') } },
    'pkg/deviceclaimingserver:qr_code_data', InvalidArgument, { more: { cause: { name: 'unknown_format' } } }),
  refused('an unknown QR code format', EndDeviceQRCodeGenerator.method.generate, { formatId: 'nothing', endDevice: { ids: meter } },
    'pkg/qrcodegenerator:format_not_found', NotFound),
  refused('an unknown file format', EndDeviceTemplateConverter.method.convert, { formatId: 'nothing', data: text('{}') },
    'pkg/devicetemplateconverter:converter', NotFound, { more: { attributes: { id: 'nothing' } } }),
  refused('a bad cell', EndDeviceTemplateConverter.method.convert, { formatId: 'the-things-stack-csv', data: text('id;dev_eui\nmeter;0004A30B') },
    'pkg/devicetemplates:parse_csv_field', InvalidArgument, { more: { attributes: { line: 1, column: 2 } } }),
  refused('an unknown brand', DeviceRepository.method.getBrand, { brandId: 'nobody' }, 'pkg/devicerepository:brand_not_found', NotFound),
  refused('events of nothing', Events.method.stream, {}, 'pkg/events/grpc:no_identifiers', InvalidArgument),
];

async function setUp(): Promise<void> {
  const access = createClient(ApplicationAccess, served.transport('gRPC'));
  const make = async (rights: Right[], expiresAt?: ReturnType<typeof timestampFromMs>) => {
    const key = { applicationIds: lab, rights, ...(expiresAt && { expiresAt }) };
    return (await access.createAPIKey(key)).key;
  };
  tokens.poor = await make([Right.APPLICATION_INFO]);
  tokens.wrong = `${tokens.poor.slice(0, -1)}${tokens.poor.endsWith('A') ? 'B' : 'A'}`;
  const soon = timestampFromMs(served.clock.now() + HOUR_MS);
  tokens.expired = await make([Right.APPLICATION_DEVICES_READ], soon);
  await served.clock.advance(2 * HOUR_MS);
  const succeed = async (verb: string, path: string, body: unknown) => {
    const { status, json } = await served.rest(verb, path, body);
    expect(status, JSON.stringify(json)).toBe(200);
  };
  const address = { network_server_address: 'a.example' };
  await succeed('PUT', '/applications/lab', {
    application: address,
    field_mask: { paths: ['network_server_address'] },
  });
  const versions = {
    frequency_plan_id: 'EU_863_870',
    lorawan_version: '1.0.3',
    lorawan_phy_version: '1.0.3-a',
  };
  await succeed('POST', '/gatehouse/applications/lab/devices', {
    end_device: {
      ids: { device_id: 'meter', join_eui: '70B3D57ED0000001', dev_eui: '0004A30B001C0530' },
      supports_join: true,
      root_keys: { app_key: { key: Buffer.from(KEY.key).toString('hex') } },
      ...versions,
    },
  });
  const key = { key: Buffer.from(KEY.key).toString('hex') };
  // The application encrypts the payloads of this one, so it counts them too.
  const ids = { device_id: 'door' };
  await succeed('POST', '/applications/lab/devices', { end_device: { ids } });
  const keys = { f_nwk_s_int_key: key };
  const session = { dev_addr: '02000001', keys, last_n_f_cnt_down: 7 };
  const network = [
    'session.dev_addr',
    'session.keys.f_nwk_s_int_key.key',
    'session.last_n_f_cnt_down',
  ];
  await succeed('PUT', '/ns/applications/lab/devices/door', {
    end_device: { ids, session, supports_join: false, ...versions },
    field_mask: { paths: [...VERSION_PATHS, 'supports_join', ...network] },
  });
  await succeed('PUT', '/as/applications/lab/devices/door', {
    end_device: { ids, session, skip_payload_crypto_override: true },
    field_mask: { paths: ['session.dev_addr', 'skip_payload_crypto_override'] },
  });
}

beforeAll(async () => {
  served = await openServedApp();
  await setUp();
});
afterAll(() => served.close());

/** The error a call ends with. */
async function overGrpc({ method, request }: Case, token: string): Promise<ErrorDetails> {
  const error = await callMethod(served.transport('gRPC', token), method, request).then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [details] = error?.findDetails(ErrorDetailsSchema) ?? [];
  if (!details) throw error ?? new Error('the call was not refused');
  expect(error?.code).toBe(details.code);
  return details;
}

test.each(CASES.map((one) => [one.title, one] as const))('%s', async (_, one) => {
  const token = tokens[one.token as keyof typeof tokens] ?? one.token ?? tokens.admin;
  const [namespace, name] = one.refusal.split(':');
  const expected = { namespace, name, code: one.code, ...one.more };
  expect(await overGrpc(one, token)).toMatchObject(expected);
  const bindings = bindingsOf(one.method);
  for (const rule of bindings) {
    const { verb, path, body } = restRequest(one.method, rule, one.request);
    const { status, json } = await served.rest(verb, path, body, token);
    // A stream that ends before its first message says so in an envelope.
    const error = (json.error ?? json) as { code: number; details: object[] };
    expect(error, `${verb} ${path}`).toMatchObject({ code: one.code, details: [expected] });
    expect(status).toBe(STATUS[one.code]);
  }
});
