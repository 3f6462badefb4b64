import { create, type DescMethod, type Message } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { AsEndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  EndDeviceSchema,
  SetEndDeviceRequestSchema,
  UpdateEndDeviceRequestSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { JsEndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { DownlinkQueueOperationErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { NsEndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { defineError } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import type { Call, Caller } from './call.ts';
import { createRouter, serve } from './router.ts';

const DESKTOP: Caller = { kind: 'desktop' };
const anonymous: Caller = { kind: 'anonymous' };
const key = (...rights: string[]): Caller => ({
  kind: 'api_key',
  keyId: 'KEY',
  name: 'test',
  rights: new Set(rights),
  admin: false,
  applicationId: 'shop',
});
const ids = { applicationIds: { applicationId: 'shop' }, deviceId: 'door-7' };

const tooLow = defineError('pkg/networkserver:f_cnt_too_low', 'INVALID_ARGUMENT', 'too low');
const logged: Record<string, unknown>[] = [];
const logger: Logger = { ...silentLogger(), error: (fields) => void logged.push(fields) };

const device = ({ endDevice }: { endDevice?: Message | undefined }) =>
  create(EndDeviceSchema, (endDevice ?? {}) as never);
const router = createRouter({
  clock: virtualClock(),
  logger,
  services: [
    serve(EndDeviceRegistry, {
      update: device,
      get({ endDeviceIds }) {
        if (endDeviceIds?.deviceId === 'broken') throw new TypeError('a secret of the inside');
        throw tooLow(
          {},
          { details: [create(DownlinkQueueOperationErrorDetailsSchema, { minFCntDown: 9 })] },
        );
      },
    }),
    serve(JsEndDeviceRegistry, { get: () => create(EndDeviceSchema), set: device }),
    serve(NsEndDeviceRegistry, { set: device }),
    serve(AsEndDeviceRegistry, { set: device }),
  ],
});

async function answer(desc: DescMethod, request: Message, caller: Caller): Promise<Message> {
  const method = router.methods.find((one) => one.desc === desc);
  if (method?.kind !== 'unary') throw new Error('no such method');
  const call: Call = {
    caller,
    signal: new AbortController().signal,
    setTotalCount: () => undefined,
    setContinuationToken: () => undefined,
    warn: () => undefined,
  };
  return method.invoke(request, call);
}

async function refusal(desc: DescMethod, request: Message, caller: Caller = DESKTOP) {
  const error = await answer(desc, request, caller).then(
    () => undefined,
    (thrown: unknown) => thrown as ConnectError,
  );
  const details = error?.findDetails(ErrorDetailsSchema)[0];
  if (!details) throw new Error('the call was not refused');
  return details;
}

const nsSet = (endDevice: object, paths: string[]) =>
  create(SetEndDeviceRequestSchema, {
    endDevice: { ids, ...endDevice },
    fieldMask: { paths },
  } as never);

describe('masks', () => {
  test('a path outside the list is refused and named', async () => {
    const request = nsSet({}, ['frequency_plan_id', 'name']);
    expect(await refusal(NsEndDeviceRegistry.method.set, request)).toMatchObject({
      namespace: 'pkg/rpcmiddleware/validator',
      name: 'field_mask_paths',
      attributes: { forbidden_paths: ['name'] },
    });
  });

  test('a hidden field below a requested parent has to be zero', async () => {
    const session = { keys: { appSKey: { key: new Uint8Array(16) } } };
    const request = nsSet({ session }, ['session']);
    expect(await refusal(NsEndDeviceRegistry.method.set, request)).toMatchObject({
      name: 'non_zero_path',
      attributes: { path: 'session.keys.app_s_key' },
    });
    const outside = nsSet({ session }, ['session.dev_addr']);
    await expect(answer(NsEndDeviceRegistry.method.set, outside, DESKTOP)).resolves.toBeDefined();
  });
});

describe('constraints', () => {
  const long = 'x'.repeat(51);

  test('only masked fields and the name of the device are looked at', async () => {
    const update = (endDevice: object, paths: string[]) =>
      create(UpdateEndDeviceRequestSchema, {
        endDevice: { ids, ...endDevice },
        fieldMask: { paths },
      } as never);
    const { update: method } = EndDeviceRegistry.method;
    await expect(
      answer(method, update({ name: long }, ['description']), DESKTOP),
    ).resolves.toBeDefined();
    expect(await refusal(method, update({ name: long }, ['name']))).toMatchObject({
      namespace: 'pkg/errors',
      name: 'validation',
      attributes: { field: 'end_device' },
      cause: { attributes: { field: 'name' } },
    });
    expect(await refusal(method, update({ name: long }, []))).toMatchObject({ name: 'validation' });
    const badName = { ids: { ...ids, deviceId: 'Door' } };
    expect(await refusal(method, update(badName, ['name']))).toMatchObject({
      cause: { cause: { attributes: { field: 'device_id' } } },
    });
    const shortEui = { ids: { ...ids, devEui: new Uint8Array(3) } };
    expect(await refusal(method, update(shortEui, ['name']))).toMatchObject({
      cause: { cause: { attributes: { field: 'dev_eui' } } },
    });
  });

  test('a masked path reaches into messages, oneofs and wrappers', async () => {
    const mode = { case: 'dynamic', value: { maxNbTrans: 4, minNbTrans: 9 } };
    const request = (path: string) => nsSet({ macSettings: { adr: { mode } } }, [path]);
    const { set } = NsEndDeviceRegistry.method;
    expect(await refusal(set, request('mac_settings.adr.mode.dynamic.max_nb_trans'))).toMatchObject(
      {
        name: 'validation',
      },
    );
    const harmless = request('mac_settings.adr.mode.dynamic.margin');
    await expect(answer(set, harmless, DESKTOP)).resolves.toBeDefined();
  });

  test('times that have no text form are not taken', async () => {
    const request = nsSet({ lastDevStatusReceivedAt: { seconds: 1n << 60n, nanos: 0 } }, [
      'last_dev_status_received_at',
    ]);
    expect(await refusal(NsEndDeviceRegistry.method.set, request)).toMatchObject({
      cause: { attributes: { field: 'last_dev_status_received_at' } },
    });
  });

  test('bad identifiers as request have an identity of their own', async () => {
    const request = create(EndDeviceIdentifiersSchema, { ...ids, deviceId: 'Door' });
    expect(await refusal(EndDeviceRegistry.method.delete, request)).toMatchObject({
      namespace: 'pkg/ttnpb',
      name: 'identifiers',
      cause: { attributes: { field: 'device_id' } },
    });
  });
});

describe('rights', () => {
  const setKeys = nsSet({ rootKeys: { appKey: { key: new Uint8Array(16).fill(1) } } }, [
    'root_keys.app_key.key',
  ]);

  test('all missing rights are named at once', async () => {
    const { set } = JsEndDeviceRegistry.method;
    expect(await refusal(set, setKeys, key())).toMatchObject({
      namespace: 'pkg/auth/rights',
      name: 'insufficient_application_rights',
      attributes: {
        uid: 'shop',
        missing: expect.arrayContaining([
          'RIGHT_APPLICATION_DEVICES_WRITE',
          'RIGHT_APPLICATION_DEVICES_WRITE_KEYS',
        ]),
      },
    });
    await expect(answer(set, setKeys, key('RIGHT_APPLICATION_ALL'))).resolves.toBeDefined();
  });

  test('keys of other applications and callers without one have none', async () => {
    const { set } = JsEndDeviceRegistry.method;
    const other: Caller = { ...key('RIGHT_ALL'), applicationId: 'other' } as Caller;
    for (const caller of [other, anonymous]) {
      expect(await refusal(set, setKeys, caller)).toMatchObject({ name: 'no_application_rights' });
    }
  });

  test('calls between servers tell missing credentials from wrong ones', async () => {
    const { batchUpdateLastSeen: method } = EndDeviceRegistry.method;
    const request = create(method.input);
    expect(await refusal(method, request, anonymous)).toMatchObject({ name: 'no_cluster_key' });
    expect(await refusal(method, request, key())).toMatchObject({ name: 'cluster_key', code: 7 });
    expect(await refusal(method, request)).toMatchObject({ name: 'unimplemented', code: 12 });
  });
});

describe('errors', () => {
  const { get } = EndDeviceRegistry.method;
  const request = (deviceId: string) => create(get.input, { endDeviceIds: { ...ids, deviceId } });

  test('messages an error carries arrive as its details', async () => {
    const { details } = await refusal(get, request('door-7'));
    expect(details[0] && anyUnpack(details[0], router.registry)).toMatchObject({ minFCntDown: 9 });
  });

  test('what is not ours is hidden, and found in the log by its correlation id', async () => {
    const error = await refusal(get, request('broken'));
    expect(error).toMatchObject({ namespace: 'pkg/rpcserver', name: 'rpc_recovered', code: 13 });
    expect(JSON.stringify(error.attributes)).not.toContain('secret');
    expect(logged.at(-1)).toMatchObject({ correlationId: error.correlationId });
    expect(error.correlationId).toMatch(/^[0-9a-f]{32}$/);
  });
});
