import { create, createRegistry } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceRegistry } from '../../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { type Event, EventSchema, Events } from '../../api/gen/ttn/lorawan/v3/events_pb.js';
import { systemClock } from '../../base/clock.ts';
import { defineError } from '../../base/errors.ts';
import { silentLogger } from '../../base/logger.ts';
import { callerOfHeader, hashSecret } from '../api-keys.ts';
import type { Call, Caller } from '../call.ts';
import { createHandler, type Handle } from '../fetch-handler.ts';
import { createRouter, type Router, serve } from '../router.ts';
import { createStaticFiles } from '../static-files.ts';

export const AUTHORIZED = { authorization: 'Bearer NNSXS.KEYID.SECRET' };

const deviceNotFound = defineError(
  'pkg/identityserver/store:end_device_not_found',
  'NOT_FOUND',
  'end device `{application_id}:{device_id}` not found',
);

/** What the streams of a bench are doing. */
export interface StreamCounts {
  /** Streams whose method has not ended. */
  live: number;
  /** Messages taken from all streams. */
  produced: number;
}

/** A router with one registry and one stream, and the handler over it. */
export interface Bench {
  readonly router: Router;
  readonly handle: Handle;
  readonly callerOf: (authorization: string | null | undefined) => Caller;
  /** Answers as an API listener would: the header says who calls. */
  readonly fetch: (request: Request) => Promise<Response>;
  readonly streams: StreamCounts;
}

/** Streams `tail` events, each with one of `names` as payload, then waits for ever. */
async function* eventStream(
  tail: number,
  payload: string,
  call: Call,
  counts: StreamCounts,
): AsyncGenerator<Event> {
  counts.live += 1;
  try {
    for (let n = 0; n < tail; n += 1) {
      counts.produced += 1;
      const time = timestampFromMs(0);
      yield create(EventSchema, { name: `e.${n}`, time, ...(payload && { origin: payload }) });
    }
    await new Promise<void>((resolve) => {
      if (call.signal.aborted) resolve();
      call.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    counts.live -= 1;
  }
}

/** @param folder files of the user interface */
export function createBench(folder: string): Bench {
  const streams: StreamCounts = { live: 0, produced: 0 };
  const router = createRouter({
    clock: systemClock(),
    logger: silentLogger(),
    services: [
      serve(EndDeviceRegistry, {
        get({ endDeviceIds }) {
          const applicationId = endDeviceIds?.applicationIds?.applicationId ?? '';
          const deviceId = endDeviceIds?.deviceId ?? '';
          if (deviceId !== 'door-7') {
            throw deviceNotFound({ application_id: applicationId, device_id: deviceId });
          }
          const ids = endDeviceIds && { ids: endDeviceIds };
          return create(EndDeviceSchema, { ...ids, name: 'Back door' });
        },
      }),
      serve(Events, {
        stream: ({ tail, names }, call) => eventStream(tail, names[0] ?? '', call, streams),
      }),
    ],
  });
  const callerOf = (authorization: string | null | undefined): Caller =>
    callerOfHeader(
      authorization,
      (id) =>
        id === 'KEYID'
          ? { id, name: 'test', secretHash: hashSecret('SECRET'), rights: [], admin: true }
          : undefined,
      systemClock().now(),
    );
  const handle = createHandler({
    router,
    registry: createRegistry(),
    logger: silentLogger(),
    files: createStaticFiles(folder),
  });
  return {
    router,
    handle,
    callerOf,
    fetch: (request) => handle(request, callerOf(request.headers.get('authorization'))),
    streams,
  };
}
