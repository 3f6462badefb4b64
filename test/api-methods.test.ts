/**
 * Every method of the contract answers, over gRPC and at every HTTP path it is bound to, but for those the manual names as
 * not built. Requests keep the contract's rules, so that what answers is the method and not the checks in front of it.
 */
import { readFileSync } from 'node:fs';
import { create, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { ConnectError, type Transport } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ErrorDetails, ErrorDetailsSchema } from '../main/api/gen/ttn/lorawan/v3/error_pb.js';
import { EntityAccess } from '../main/api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { registerAbpDevice } from './support/abp-device.ts';
import {
  bindingsOf,
  callMethod,
  contractServices,
  restRequest,
  smallestRequest,
} from './support/contract-requests.ts';
import { openServedApp, type ServedApp } from './support/served-app.ts';

const UNIMPLEMENTED = 12;
/** A busy computer may take its time. */
const PATIENCE = { timeout: 10_000 };
const manual = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
const services = await contractServices();
let served: ServedApp;
let transport: Transport;

/** What the manual's table says of a service; the columns are name and remark. */
function remarkOn({ name }: DescService): string {
  const row = manual.split('\n').find((line) => line.split('|')[1]?.includes(`\`${name}\``));
  return row?.split('|')[2] ?? '';
}

/** Whether the manual says that a method is not built. */
function isNotBuilt({ name, parent }: DescMethod): boolean {
  const remark = remarkOn(parent);
  const isNamed = new RegExp(`\\b${name}\\b`).test(remark);
  if (remark.includes('the rest is `unimplemented`')) return !isNamed;
  return isNamed && (/all but/.test(remark) || /is `unimplemented`/.test(remark));
}

const identity = ({ namespace, name, code }: Pick<ErrorDetails, 'namespace' | 'name' | 'code'>) =>
  `${namespace}:${name} ${code}` as const;

/** Checks in front of methods; a call that they refuse says nothing of the method. */
const CHECKS = ['pkg/errors:', 'pkg/ttnpb:identifiers', 'pkg/rpcmiddleware/', 'gatehouse/rpc:'];
const FAULTS = [2, 13];

function expectAnswer(answer: string, method: DescMethod): void {
  const code = answer === 'ok' ? 0 : Number(answer.split(' ').at(-1));
  if (isNotBuilt(method)) {
    expect(code, answer).toBe(UNIMPLEMENTED);
    return;
  }
  expect(answer).toMatch(/^ok$|^\S+:\S+ \d+$/);
  expect(code, answer).not.toBe(UNIMPLEMENTED);
  expect(FAULTS, answer).not.toContain(code);
  expect(
    CHECKS.filter((check) => answer.startsWith(check)),
    answer,
  ).toEqual([]);
}

/** Waits for the first message of a stream. One of an application's messages is silent until there are any. */
async function untilFirst<T>(first: Promise<T>): Promise<T> {
  let ended = false;
  first.then(
    () => (ended = true),
    () => (ended = true),
  );
  await vi.waitFor(async () => {
    if (ended) return;
    const settings = {
      data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } },
      frequency: '868100000',
    };
    const body = { uplink_message: { f_port: 1, frm_payload: 'AQ==', settings } };
    const path = '/as/applications/walk/devices/walk/up/simulate';
    expect((await served.rest('POST', path, body)).status).toBe(200);
    expect(ended).toBe(true);
  }, PATIENCE);
  return first;
}

async function callOverGrpc(method: DescMethod, request: Message): Promise<string> {
  const canceled = new AbortController();
  try {
    const answer = callMethod(transport, method, request, canceled.signal);
    await (method.methodKind === 'unary' ? answer : untilFirst(answer));
    return 'ok';
  } catch (error) {
    const refusal = ConnectError.from(error);
    const details = refusal.findDetails(ErrorDetailsSchema)[0];
    return details ? identity(details) : `${refusal.message} ${refusal.code}`;
  } finally {
    canceled.abort();
  }
}

/** The identity of an error in JSON; plain ones are of paths that lead nowhere and bodies that cannot be read. */
function jsonAnswer(status: number, text: string): string {
  if (status === 200) return 'ok';
  const json = JSON.parse(text);
  const { details = [], message } = json.error ?? json;
  return details[0] ? identity(details[0]) : `${message} ${status}`;
}

async function callOverRest(
  method: DescMethod,
  { verb, path, body }: ReturnType<typeof restRequest>,
) {
  if (method.methodKind === 'unary') {
    const response = await served.open(verb, path, body);
    return { status: response.status, answer: jsonAnswer(response.status, await response.text()) };
  }
  const canceled = new AbortController();
  const response = await untilFirst(served.open(verb, path, body, canceled.signal));
  const { status } = response;
  const answer = status === 200 ? 'ok' : jsonAnswer(status, await response.text());
  canceled.abort();
  return { status, answer };
}

beforeAll(async () => {
  served = await openServedApp();
  transport = served.transport('gRPC');
});
afterAll(() => served.close());

/** What requests are about, anew: a call of an earlier service may have deleted it from some servers. */
async function createWalk(): Promise<void> {
  const send = async (verb: string, path: string, body?: unknown) => {
    const { status, json } = await served.rest(verb, path, body);
    expect([200, 409]).toContain(status);
    return json;
  };
  await send('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'walk' } },
  });
  await send('POST', '/users/admin/gateways', { gateway: { ids: { gateway_id: 'walk' } } });
  await served.rest('DELETE', '/gatehouse/applications/walk/devices/walk');
  const device = { applicationId: 'walk', deviceId: 'walk', devAddr: '02000001' };
  await registerAbpDevice(send, device);
}

test('the contract is there, and all of it is served', () => {
  expect(services.length).toBeGreaterThan(30);
  const names = new Set(served.app.router.methods.map(({ desc }) => desc.parent.typeName));
  expect(services.map(({ typeName }) => typeName).filter((name) => !names.has(name))).toEqual([]);
});

/** Services of The Things Stack that the manual says are not there at all. */
function absentServices(): string[] {
  const table = manual.split('### What is not, and why')[1]?.split('\n## ')[0] ?? '';
  const names = table.split('\n').map((line) => line.split('|')[1] ?? '');
  return names.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

test('services that the manual says are not there answer unimplemented', async () => {
  const absent = absentServices();
  expect(absent.length).toBeGreaterThan(20);
  expect(services.filter(({ name }) => absent.includes(name))).toEqual([]);
  const { authInfo } = EntityAccess.method;
  for (const name of absent) {
    // The name of a call is made of that of its service, which is all that a client of ours has to borrow.
    const parent = { ...EntityAccess, name, typeName: `ttn.lorawan.v3.${name}` };
    const answer = await callOverGrpc({ ...authInfo, parent } as DescMethod, create(EmptySchema));
    expect([name, answer.split(' ').at(-1)]).toEqual([name, String(UNIMPLEMENTED)]);
  }
  for (const path of ['/pba/info', '/clients', '/organizations', '/as/webhook-formats']) {
    expect(await served.rest('GET', path)).toMatchObject({ status: 404, json: { code: 5 } });
  }
});

describe.each(services.map((service) => [service.name, service] as const))('%s', (_, service) => {
  beforeAll(createWalk);

  const methods = service.methods.map((method) => [method.name, method] as const);
  test.each(methods)('%s over gRPC', async (__, method) => {
    expectAnswer(await callOverGrpc(method, smallestRequest(method)), method);
  });

  const bound = service.methods.flatMap((method) =>
    bindingsOf(method).map((rule) => {
      const { case: verb = '', value: path = '' } = rule.pattern;
      return [method.name, verb.toUpperCase(), path, method, rule] as const;
    }),
  );
  test.each(bound)('%s at %s %s', async (__, ___, ____, method, rule) => {
    const request = restRequest(method, rule, smallestRequest(method));
    const { answer, status } = await callOverRest(method, request);
    expectAnswer(answer, method);
    if (isNotBuilt(method)) expect(status).toBe(501);
  });
});
