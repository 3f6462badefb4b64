/** The same API over each carrier of a running program, for tests that every one of them answers alike. */
import type { DescService } from '@bufbuild/protobuf';
import { type Client, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { ErrorDetailsSchema } from '../../main/api/gen/ttn/lorawan/v3/error_pb.js';
import { API_KEY, type HeadlessProcess } from './headless-process.ts';

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` };

/** Names of the carriers of typed clients; REST is the fourth. */
export const CARRIERS = ['Connect', 'gRPC-Web', 'gRPC'] as const;
export type CarrierName = (typeof CARRIERS)[number];

/** A client of one service, as an administrator unless said otherwise. */
export function clientOver<S extends DescService>(
  program: HeadlessProcess,
  carrier: CarrierName,
  service: S,
  headers: Readonly<Record<string, string>> = AUTHORIZATION,
): Client<S> {
  const baseUrl = `http://${carrier === 'gRPC' ? program.addresses.grpc : program.addresses.http}`;
  const interceptors = [
    (
      next: Parameters<
        NonNullable<Parameters<typeof createConnectTransport>[0]['interceptors']>[number]
      >[0],
    ) =>
      (request: Parameters<typeof next>[0]) => {
        for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
        return next(request);
      },
  ];
  const transports: Readonly<Record<CarrierName, () => Transport>> = {
    Connect: () => createConnectTransport({ baseUrl, httpVersion: '1.1', interceptors }),
    'gRPC-Web': () => createGrpcWebTransport({ baseUrl, interceptors }),
    gRPC: () => createGrpcTransport({ baseUrl, interceptors }),
  };
  return createClient(service, transports[carrier]());
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

export async function rest(
  program: HeadlessProcess,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = AUTHORIZATION,
): Promise<RestAnswer> {
  const response = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await response.json()) as RestAnswer['json'];
  return { status: response.status, headers: response.headers, json };
}

/** `namespace:name` and code of the error a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [details] = error?.findDetails(ErrorDetailsSchema) ?? [];
  return details ? `${details.namespace}:${details.name} ${error?.code}` : `no error: ${error}`;
}

/** The same of an answer of the REST API, with its HTTP status. */
export function restRefusal({ status, json }: RestAnswer): string {
  const [details] = (json.details ?? []) as { namespace: string; name: string; code: number }[];
  return `${details?.namespace}:${details?.name} ${details?.code} ${status}`;
}

/** All messages of a server stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}
