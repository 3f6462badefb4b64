import { create } from '@bufbuild/protobuf';
import { type Duration, durationMs, type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  ApplicationUpStorage,
  GetStoredApplicationUpCountResponseSchema,
  type GetStoredApplicationUpRequest,
} from '../../api/gen/ttn/lorawan/v3/applicationserver_integrations_storage_pb.js';
import type {
  ApplicationIdentifiers,
  EndDeviceIdentifiers,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { ApplicationUpSchema } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { Clock } from '../../base/clock.ts';
import { defineError } from '../../base/errors.ts';
import {
  type FoundUp,
  pickByPaths,
  RECORDED_UP_TYPES,
  type RecordedUpQuery,
  searchRecordedUps,
} from '../../registry/index.ts';
import type { FrameStore } from '../../store/index.ts';
import type { Call } from '../call.ts';
import { requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

const noIdentifiers = defineError(
  'gatehouse/storage:no_identifiers',
  'INVALID_ARGUMENT',
  'Say whose messages: give application_ids or end_device_ids.',
);
const badToken = defineError(
  'gatehouse/storage:continuation_token',
  'INVALID_ARGUMENT',
  'The continuation token is not one of this server. Start again without it.',
);

/** Messages of one answer unless the caller says otherwise, and at most. */
const DEFAULT_LIMIT = 1_000;
const MOST_MESSAGES = 10_000;
const IMPLICIT_PATHS = ['end_device_ids', 'received_at'];

interface StorageOptions {
  readonly frames: Pick<FrameStore, 'list'>;
  readonly clock: Clock;
}

interface StoredUpRequest {
  readonly applicationIds?: ApplicationIdentifiers | undefined;
  readonly endDeviceIds?: EndDeviceIdentifiers | undefined;
  readonly type: string;
  readonly after?: Timestamp | undefined;
  readonly before?: Timestamp | undefined;
  readonly last?: Duration | undefined;
  readonly fPort?: number | undefined;
}

type Filters = Pick<
  RecordedUpQuery,
  'type' | 'fPort' | 'afterMs' | 'beforeMs' | 'descending' | 'fromFrameId'
>;

/** Whose messages, if the caller may read them. */
function subjectOf({ applicationIds, endDeviceIds }: StoredUpRequest, { caller }: Call) {
  const ids = endDeviceIds?.applicationIds ?? applicationIds;
  if (!ids) throw noIdentifiers();
  const { applicationId } = ids;
  requireRight(caller, 'RIGHT_APPLICATION_TRAFFIC_READ', {
    kind: 'application',
    id: applicationId,
  });
  return { applicationId, ...(endDeviceIds && { deviceId: endDeviceIds.deviceId }) };
}

function filtersOf(request: StoredUpRequest, order: string, clock: Clock): Filters {
  const { after, before, last, fPort, type } = request;
  const lastMs = last && clock.now() - durationMs(last);
  const afterMs = after ? timestampMs(after) : lastMs;
  return {
    type,
    descending: order.startsWith('-'),
    ...(fPort !== undefined && { fPort }),
    ...(afterMs !== undefined && { afterMs }),
    ...(before && { beforeMs: timestampMs(before) }),
  };
}

/** A token holds the whole search, as The Things Stack's does: whatever else the next request says does not count. */
interface Continuation {
  readonly filters: Filters;
  readonly limit: number;
}

const toToken = (continuation: Continuation): string =>
  Buffer.from(JSON.stringify(continuation)).toString('base64url');

function isContinuation(value: unknown): value is Continuation {
  const { filters, limit } = (value ?? {}) as Partial<Continuation>;
  const numbers = [filters?.fPort, filters?.afterMs, filters?.beforeMs];
  return (
    Number.isInteger(limit) &&
    Number.isInteger(filters?.fromFrameId) &&
    typeof filters?.type === 'string' &&
    typeof filters.descending === 'boolean' &&
    numbers.every((one) => one === undefined || typeof one === 'number')
  );
}

function fromToken(token: string): Continuation {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (error) {
    throw badToken({}, { cause: error });
  }
  if (!isContinuation(value)) throw badToken();
  return value;
}

const clampLimit = (limit: number): number =>
  Math.min(Math.max(limit, 0) || DEFAULT_LIMIT, MOST_MESSAGES);

function searchOf(request: GetStoredApplicationUpRequest, clock: Clock): Continuation {
  if (request.continuationToken !== '') {
    const { filters, limit } = fromToken(request.continuationToken);
    return { filters, limit: clampLimit(limit) };
  }
  const filters = filtersOf(request, request.order, clock);
  return { filters, limit: clampLimit(request.limit ?? 0) };
}

/** An answer that is short for a reason says so. */
function warnOfTypes(type: string, call: Call): void {
  if (type === '' || RECORDED_UP_TYPES.some((one) => one === type)) return;
  call.warn(
    `Gatehouse keeps frames, not messages: of ${type} there is nothing. It has ${RECORDED_UP_TYPES.join(' and ')}.`,
  );
}

/** The messages of one answer, and whether there are more. They are gathered before the first is sent: a header says it. */
async function gather(search: AsyncIterable<FoundUp>, limit: number, { signal }: Call) {
  const found: FoundUp[] = [];
  for await (const one of search) {
    if (signal.aborted || found.length === limit) return { found, more: true };
    found.push(one);
  }
  return { found, more: false };
}

async function* stored(
  { frames, clock }: StorageOptions,
  request: GetStoredApplicationUpRequest,
  call: Call,
) {
  const subject = subjectOf(request, call);
  const { filters, limit } = searchOf(request, clock);
  warnOfTypes(filters.type, call);
  const search = searchRecordedUps(frames, { ...subject, ...filters });
  const { found, more } = await gather(search, limit, call);
  const last = found.at(-1);
  if (more && last) {
    const next = { ...filters, fromFrameId: last.frameId };
    call.setContinuationToken(toToken({ filters: next, limit }));
  }
  const paths = request.fieldMask?.paths ?? [];
  for (const { up } of found) {
    const message = up.message();
    yield paths.length === 0
      ? message
      : pickByPaths(ApplicationUpSchema, message, [...paths, ...IMPLICIT_PATHS]);
  }
}

/** Messages to applications, made again from the recorded frames. */
export function upStorageService(options: StorageOptions): Served {
  return serve(ApplicationUpStorage, {
    getStoredApplicationUp: (request, call) => stored(options, request, call),
    async getStoredApplicationUpCount(request, call) {
      const subject = subjectOf(request, call);
      warnOfTypes(request.type, call);
      const filters = filtersOf(request, '', options.clock);
      const count: Record<string, number> = {};
      for await (const { up } of searchRecordedUps(options.frames, { ...subject, ...filters })) {
        if (call.signal.aborted) break;
        count[up.type] = (count[up.type] ?? 0) + 1;
      }
      return create(GetStoredApplicationUpCountResponseSchema, { count });
    },
  });
}
