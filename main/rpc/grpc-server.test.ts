import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { StreamEventsRequestSchema } from '../api/gen/ttn/lorawan/v3/events_pb.js';
import { type GrpcServer, startGrpcServer } from './grpc-server.ts';
import { AUTHORIZED, createBench } from './testing/bench.ts';

const bench = createBench('/nowhere');
let server: GrpcServer;
let session: ClientHttp2Session;

beforeAll(async () => {
  const { router, callerOf } = bench;
  server = await startGrpcServer({ router, host: '127.0.0.1', port: 0, callerOf });
  session = connect(`http://${server.address}`);
});
afterAll(async () => {
  session.destroy();
  await server.close();
});

function call(path: string, message: Uint8Array): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    ...AUTHORIZED,
  });
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  stream.end(envelope);
  return stream;
}

test('a client that does not read holds the source, and one that leaves ends it without a word', async () => {
  const written = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const request = create(StreamEventsRequestSchema, {
    tail: 2_000,
    names: ['x'.repeat(64 * 1024)],
  });
  const stream = call(
    '/ttn.lorawan.v3.Events/Stream',
    toBinary(StreamEventsRequestSchema, request),
  );
  stream.on('error', () => undefined);
  stream.pause();
  let seen = -1;
  while (seen !== bench.streams.produced || seen === 0) {
    seen = bench.streams.produced;
    await pause(100);
  }
  expect(bench.streams).toEqual({ live: 1, produced: seen });
  expect(seen).toBeLessThan(100);
  stream.close();
  await pause(50);
  expect(bench.streams.live).toBe(0);
  expect(written).not.toHaveBeenCalled();
  written.mockRestore();
});

test('a method that does not exist is answered in the protocol', async () => {
  const stream = call('/ttn.lorawan.v3.Events/Nothing', new Uint8Array());
  const headers = await new Promise<Record<string, unknown>>((resolve) => {
    stream.once('response', resolve);
  });
  stream.resume();
  expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '12' });
});
