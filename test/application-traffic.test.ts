import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { registerAbpDevice } from './support/abp-device.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { type Json, programApi } from './support/program-api.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-traffic-'));
let program: HeadlessProcess;

beforeAll(async () => {
  program = await startHeadless(directory);
  const script = 'function decodeUplink({ bytes }) { return { data: { level: bytes[0] } }; }';
  const api = programApi(program);
  const ids = { applicationId: 'lab', deviceId: 'door-7', devAddr: '02000001' };
  await registerAbpDevice(api, { ...ids, script });
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const DEVICE = '/as/applications/lab/devices/door-7';
async function call(
  path: string,
  body?: unknown,
  method = 'POST',
): Promise<{ status: number; json: Json }> {
  const response = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Json };
}

/** A busy computer may take its time. */
const PATIENCE = { timeout: 10_000 };

type Stream = ClientReadableStream<Json>;
type Client = Record<string, (...args: unknown[]) => Stream>;

/** Opens the stream over gRPC with a client of another generator and gathers what comes. */
function subscribe(applicationId: string, key = API_KEY) {
  const root = fileURLToPath(new URL('../main/api/proto', import.meta.url));
  const definition = loadSync('ttn/lorawan/v3/applicationserver.proto', {
    includeDirs: [root],
    keepCase: true,
    oneofs: true,
    defaults: true,
  });
  const { ttn } = loadPackageDefinition(definition) as never as {
    ttn: { lorawan: { v3: { AppAs: new (...args: unknown[]) => Client } } };
  };
  const client = new ttn.lorawan.v3.AppAs(program.addresses.grpc, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  const stream = client.Subscribe?.({ application_id: applicationId }, metadata) as Stream;
  const messages: Json[] = [];
  const errors: Error[] = [];
  stream.on('data', (message: Json) => void messages.push(message));
  stream.on('error', (error) => void errors.push(error));
  return { messages, errors, close: () => stream.cancel() };
}

const simulated = (payload: number) => ({
  uplink_message: {
    f_port: 3,
    frm_payload: Buffer.from([payload]).toString('base64'),
    settings: {
      data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } },
      frequency: '868100000',
    },
  },
});

test('what is simulated over REST reaches a gRPC subscriber of the application', async () => {
  const { messages, close } = subscribe('lab');
  // The stream says nothing when it starts, so something is sent until it comes.
  await vi.waitFor(async () => {
    expect((await call(`${DEVICE}/up/simulate`, simulated(1))).status).toBe(200);
    expect(messages.length).toBeGreaterThan(0);
  }, PATIENCE);
  await call(`${DEVICE}/up/simulate`, simulated(42));
  const queued = { f_port: 2, frm_payload: 'AQI=', correlation_ids: ['order:77'] };
  expect((await call(`${DEVICE}/down/push`, { downlinks: [queued] })).status).toBe(200);
  await vi.waitFor(() =>
    expect(messages.slice(-2)).toMatchObject([
      {
        end_device_ids: { device_id: 'door-7', application_ids: { application_id: 'lab' } },
        up: 'uplink_message',
        simulated: true,
        uplink_message: {
          f_port: 3,
          decoded_payload: { fields: { level: { numberValue: 42 } } },
        },
      },
      {
        up: 'downlink_queued',
        simulated: false,
        downlink_queued: {
          frm_payload: Buffer.from([1, 2]),
          correlation_ids: ['order:77', expect.stringMatching(/^as:downlink:/)],
        },
      },
    ]),
  );
  close();
});

test('every kind of message reaches a subscriber', async () => {
  const { messages, close } = subscribe('lab');
  await vi.waitFor(async () => {
    await call(`${DEVICE}/up/simulate`, simulated(1));
    expect(messages.length).toBeGreaterThan(0);
  }, PATIENCE);
  const downlink = { f_port: 2, f_cnt: 7, frm_payload: 'AQI=' };
  const { uplink_message } = simulated(9);
  const { settings } = uplink_message;
  const kinds: Record<string, unknown> = {
    uplink_message,
    uplink_normalized: {
      f_port: 3,
      normalized_payload: { air: { temperature: 21 } },
      received_at: '2031-05-04T10:20:30Z',
      settings,
    },
    join_accept: { session_key_id: 'AQI=', received_at: '2031-05-04T10:20:30Z' },
    downlink_ack: downlink,
    downlink_nack: downlink,
    downlink_sent: downlink,
    downlink_failed: { downlink, error: { namespace: 'n', name: 'no' } },
    downlink_queued: downlink,
    downlink_queue_invalidated: { downlinks: [downlink], last_f_cnt_down: 6 },
    location_solved: { service: 'me', location: { latitude: 51.5 } },
    service_data: { service: 'my-package', data: { level: 4 } },
  };
  for (const [kind, value] of Object.entries(kinds)) {
    const { status, json } = await call(`${DEVICE}/up/simulate`, { [kind]: value });
    expect(status, JSON.stringify(json)).toBe(200);
  }
  const names = Object.keys(kinds);
  await vi.waitFor(() => {
    expect(messages.slice(-names.length).map(({ up }) => up)).toEqual(names);
  }, PATIENCE);
  close();
});

test('without the right to read traffic nobody subscribes', async () => {
  const { errors } = subscribe('lab', 'NNSXS.NOBODY.NOTHING');
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 16 }]));
});

test('messages that make no sense cannot be simulated', async () => {
  const marked = await call(`${DEVICE}/up/simulate`, { ...simulated(1), simulated: true });
  expect(marked).toMatchObject({
    status: 400,
    json: { details: [{ namespace: 'pkg/applicationserver/io/grpc', name: 'simulated' }] },
  });
  const empty = await call(`${DEVICE}/up/simulate`, {});
  expect(empty).toMatchObject({ status: 400, json: { code: 3 } });
});

test('downlink formatters are tried out over REST', async () => {
  const parameter = `function encodeDownlink({ data }) {
  return { bytes: [data.level, 255], fPort: 9, warnings: ['loud'] };
}
function decodeDownlink({ bytes, fPort }) {
  return { data: { level: bytes[0], port: fPort } };
}`;
  const formatter = { formatter: 'FORMATTER_JAVASCRIPT', parameter };
  const encoded = await call(`${DEVICE}/down/encode`, {
    downlink: { decoded_payload: { level: 7 } },
    ...formatter,
  });
  expect(encoded.json).toEqual({
    downlink: {
      f_port: 9,
      frm_payload: 'B/8=',
      decoded_payload: { level: 7 },
      decoded_payload_warnings: ['loud'],
    },
  });
  const decoded = await call(`${DEVICE}/down/decode`, {
    downlink: { f_port: 9, frm_payload: 'B/8=' },
    ...formatter,
  });
  expect(decoded.json).toEqual({
    downlink: { f_port: 9, frm_payload: 'B/8=', decoded_payload: { level: 7, port: 9 } },
  });
});

test('an uplink formatter is tried out with the time of reception in the request', async () => {
  const tried = await call(`${DEVICE}/up/decode`, {
    uplink: { ...simulated(1).uplink_message, received_at: '2031-05-04T10:20:30.500Z' },
    formatter: 'FORMATTER_JAVASCRIPT',
    parameter: 'function decodeUplink({ recvTime }) { return { data: { at: recvTime } }; }',
  });
  expect(tried.json).toMatchObject({
    uplink: { decoded_payload: { at: '2031-05-04T10:20:30.500Z' } },
  });
});

test('a formatter that fails in a trial is an error that names the line', async () => {
  const parameter = `function encodeDownlink(input) {
  var nothing;
  return nothing.bytes;
}`;
  const failed = await call(`${DEVICE}/down/encode`, {
    downlink: { f_port: 1, decoded_payload: { level: 7 } },
    formatter: 'FORMATTER_JAVASCRIPT',
    parameter,
  });
  expect(failed).toMatchObject({
    status: 409,
    json: {
      message: expect.stringContaining('(line 3)'),
      details: [
        {
          namespace: 'pkg/scripting/javascript',
          name: 'runtime',
          attributes: { line: 3 },
        },
      ],
    },
  });
});

test('settings that devices share are set, read and deleted over REST, and outlast the program', async () => {
  const path = '/as/applications/lab/link';
  const missing = await call(path, undefined, 'GET');
  expect(missing).toMatchObject({
    status: 404,
    json: { details: [{ namespace: 'pkg/redis', name: 'not_found' }] },
  });
  const default_formatters = { up_formatter: 'FORMATTER_CAYENNELPP' };
  const paths = ['default_formatters', 'skip_payload_crypto'];
  const link = { default_formatters, skip_payload_crypto: false };
  const set = await call(path, { link, field_mask: { paths } }, 'PUT');
  expect(set).toMatchObject({ status: 200, json: link });
  const read = await call(`${path}?field_mask=default_formatters`, undefined, 'GET');
  expect(read.json).toEqual({ default_formatters });
  await program.stop('SIGKILL');
  program = await startHeadless(directory);
  const again = await call(`${path}?field_mask=default_formatters`, undefined, 'GET');
  expect(again.json).toEqual({ default_formatters });
  const wrong = await call(`${path}?field_mask=ids`, undefined, 'GET');
  expect(wrong.json).toMatchObject({ details: [{ name: 'field_mask_paths' }] });
  expect((await call(path, undefined, 'DELETE')).status).toBe(200);
  expect((await call(path, undefined, 'GET')).status).toBe(404);
  expect(await call(`${path}/stats`, undefined, 'GET')).toMatchObject({
    status: 501,
    json: { details: [{ name: 'linking_not_implemented' }] },
  });
  const long = { up_formatter: 'FORMATTER_JAVASCRIPT', up_formatter_parameter: 'é'.repeat(20_481) };
  const tooLong = await call(
    path,
    { link: { default_formatters: long }, field_mask: { paths: ['default_formatters'] } },
    'PUT',
  );
  expect(tooLong).toMatchObject({
    status: 400,
    json: {
      details: [
        {
          namespace: 'pkg/applicationserver',
          name: 'field_value',
          attributes: { field: 'default_formatters.up_formatter_parameter' },
          cause: { name: 'formatter_script_too_large' },
        },
      ],
    },
  });
  expect(await call('/as/configuration', undefined, 'GET')).toEqual({
    status: 200,
    json: {
      configuration: {
        pubsub: { providers: { mqtt: 'DISABLED', nats: 'DISABLED' } },
        webhooks: {},
      },
    },
  });
  const nowhere = await call(
    '/as/applications/nowhere/link',
    { link, field_mask: { paths } },
    'PUT',
  );
  expect(nowhere.status).toBe(404);
});
