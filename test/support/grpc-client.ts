import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { API_KEY, type HeadlessProcess } from './headless-process.ts';
import type { Json } from './program-api.ts';

const protoRoot = fileURLToPath(new URL('../../main/api/proto', import.meta.url));

type Unary = (
  request: Json,
  metadata: Metadata,
  done: (error: ServiceError | null, answer: Json) => void,
) => void;

/** This client leaves reserved characters in the text of an error as they were sent. */
const readable = (error: ServiceError): ServiceError =>
  Object.assign(error, { details: decodeURIComponent(error.details) });

/** A call over gRPC with a client of another generator; rejects with its `ServiceError`. */
export type GrpcCall = (method: string, request: Json, key?: string) => Promise<Json>;

/** A client of one service of `ttn.lorawan.v3`. Fields keep their names; bytes are Buffers. */
export function grpcClient(program: HeadlessProcess, protoFile: string, service: string): GrpcCall {
  const definition = loadSync(`ttn/lorawan/v3/${protoFile}`, {
    includeDirs: [protoRoot],
    keepCase: true,
    oneofs: true,
    enums: String,
  });
  const { ttn } = loadPackageDefinition(definition) as never as {
    ttn: { lorawan: { v3: Record<string, new (...args: unknown[]) => Record<string, Unary>> } };
  };
  const Client = ttn.lorawan.v3[service];
  if (!Client) throw new Error(`There is no service ${service}.`);
  const client = new Client(program.addresses.grpc, credentials.createInsecure());
  return (method, request, key = API_KEY) => {
    const metadata = new Metadata();
    if (key !== '') metadata.set('authorization', `Bearer ${key}`);
    return new Promise((resolve, reject) => {
      client[method]?.(request, metadata, (error, answer) =>
        error ? reject(readable(error)) : resolve(answer),
      );
    });
  };
}
