import { create, fromJson } from '@bufbuild/protobuf';
import { StructSchema, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type Event,
  EventSchema,
  Events,
  FindRelatedEventsResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/events_pb.js';
import {
  type EntityIdentifiers,
  EntityIdentifiersSchema,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { Clock } from '../../base/clock.ts';
import { defineError } from '../../base/errors.ts';
import type { BusEvent, EntityRef, EventBus } from '../../events/index.ts';
import { parseHex } from '../../lorawan/index.ts';
import type { Call, Caller } from '../call.ts';
import { packAny } from '../json/message-to-json.ts';
import { requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

const noIdentifiers = defineError(
  'pkg/events/grpc:no_identifiers',
  'INVALID_ARGUMENT',
  'Name at least one application, end device or gateway whose events you want.',
);
const invalidRegexp = defineError(
  'pkg/events:invalid_regexp',
  'INVALID_ARGUMENT',
  'The event name pattern {pattern} is no regular expression.',
);

const tooCostlyRegexp = defineError(
  'pkg/events:invalid_regexp',
  'INVALID_ARGUMENT',
  'The event name pattern {pattern} takes too long to search for. Use at most 200 characters and five repetitions, and repeat no groups.',
);

const MAX_PATTERN_LENGTH = 200;
/** Repetitions in a pattern. With many, or with repeated groups, a search tries exponentially many ways to match. */
const MOST_REPETITIONS = 5;
const ESCAPED_OR_CLASS = /\\.|\[(?:\\.|[^\]\\])*\]/g;

/** Whether a pattern can be searched for in a name without holding everything else up. */
function isCheap(pattern: string): boolean {
  const operators = pattern.replace(ESCAPED_OR_CLASS, 'x');
  return (
    pattern.length <= MAX_PATTERN_LENGTH &&
    !/\)[*+{]/.test(operators) &&
    (operators.match(/[*+{]/g) ?? []).length <= MOST_REPETITIONS
  );
}

/** The entity that identifiers of the API name; undefined for kinds that have no events here. */
export function entityOf({ ids }: EntityIdentifiers): EntityRef | undefined {
  switch (ids.case) {
    case 'applicationIds':
      return { kind: 'application', applicationId: ids.value.applicationId };
    case 'deviceIds':
      return {
        kind: 'device',
        applicationId: ids.value.applicationIds?.applicationId ?? '',
        deviceId: ids.value.deviceId,
      };
    case 'gatewayIds':
      return { kind: 'gateway', gatewayId: ids.value.gatewayId };
    default:
      return undefined;
  }
}

function requireAnyRight(caller: Caller, entity: EntityRef): void {
  if (entity.kind === 'gateway') {
    requireRight(caller, 'RIGHT_GATEWAY_STATUS_READ', { kind: 'gateway', id: entity.gatewayId });
  } else {
    requireRight(caller, 'RIGHT_APPLICATION_TRAFFIC_READ', {
      kind: 'application',
      id: entity.applicationId,
    });
  }
}

const bytes = (hex: string | undefined): Uint8Array =>
  (hex ? parseHex(hex) : undefined) ?? new Uint8Array();

function identifiersOf(entity: EntityRef): EntityIdentifiers {
  switch (entity.kind) {
    case 'application':
      return create(EntityIdentifiersSchema, {
        ids: { case: 'applicationIds', value: { applicationId: entity.applicationId } },
      });
    case 'gateway':
      return create(EntityIdentifiersSchema, {
        ids: { case: 'gatewayIds', value: { gatewayId: entity.gatewayId, eui: bytes(entity.eui) } },
      });
    case 'device':
      return create(EntityIdentifiersSchema, {
        ids: {
          case: 'deviceIds',
          value: {
            deviceId: entity.deviceId,
            applicationIds: { applicationId: entity.applicationId },
            devEui: bytes(entity.devEui),
            joinEui: bytes(entity.joinEui),
            devAddr: bytes(entity.devAddr),
          },
        },
      });
  }
}

/** An event of the bus in the API's form. */
export function eventMessage(event: BusEvent): Event {
  const data = event.data();
  return create(EventSchema, {
    name: event.name,
    time: timestampFromMs(event.timeMs),
    identifiers: event.identifiers.map(identifiersOf),
    correlationIds: [...event.correlationIds],
    origin: 'gatehouse',
    uniqueId: event.uniqueId,
    ...(data && { data: packAny(data.schema, data.message, data.bytes) }),
  });
}

/** Tells a reader that was too slow how many of its events were left out. */
function skippedMessage(skipped: number, identifiers: EntityIdentifiers[], clock: Clock): Event {
  return create(EventSchema, {
    name: 'events.stream.skip',
    time: timestampFromMs(clock.now()),
    identifiers,
    origin: 'gatehouse',
    data: packAny(StructSchema, fromJson(StructSchema, { skipped })),
  });
}

/** Names are exact, or regular expressions between slashes. */
function nameFilter(names: readonly string[]): ((name: string) => boolean) | undefined {
  if (names.length === 0) return undefined;
  const tests = names.map((name) => {
    if (!/^\/.*\/$/.test(name)) return (candidate: string) => candidate === name;
    const pattern = name.slice(1, -1);
    if (!isCheap(pattern)) throw tooCostlyRegexp({ pattern });
    try {
      const compiled = new RegExp(pattern);
      return (candidate: string) => compiled.test(candidate);
    } catch (error) {
      throw invalidRegexp({ pattern }, { cause: error });
    }
  });
  return (candidate) => tests.some((matches) => matches(candidate));
}

export function eventService({
  events,
  clock,
}: {
  readonly events: EventBus;
  readonly clock: Clock;
}): Served {
  async function* stream(
    request: {
      identifiers: EntityIdentifiers[];
      tail: number;
      names: string[];
      after?: Parameters<typeof timestampMs>[0] | undefined;
    },
    call: Call,
  ): AsyncGenerator<Event> {
    const entities = request.identifiers.map(entityOf).filter((one) => one !== undefined);
    if (entities.length === 0) throw noIdentifiers();
    for (const entity of entities) requireAnyRight(call.caller, entity);
    const matchesName = nameFilter(request.names);
    const subscription = events.subscribe({
      entities,
      ...(matchesName && { matchesName }),
      ...(request.tail > 0 && { tail: request.tail }),
      ...(request.after && { afterMs: timestampMs(request.after) }),
    });
    const close = (): void => subscription.close();
    if (call.signal.aborted) close();
    call.signal.addEventListener('abort', close, { once: true });
    try {
      yield create(EventSchema, {
        name: 'events.stream.start',
        time: timestampFromMs(clock.now()),
        identifiers: request.identifiers,
        origin: 'gatehouse',
      });
      for (let batch = await subscription.next(); batch; batch = await subscription.next()) {
        // The oldest were left out, so their number comes before the others.
        if (batch.skipped > 0) yield skippedMessage(batch.skipped, request.identifiers, clock);
        for (const event of batch.events) yield eventMessage(event);
      }
    } finally {
      close();
    }
  }
  return serve(Events, {
    stream,
    findRelated({ correlationId }, { caller }) {
      const found = events.related(correlationId).filter((event) => {
        try {
          for (const entity of event.identifiers) requireAnyRight(caller, entity);
          return true;
        } catch {
          return false;
        }
      });
      return create(FindRelatedEventsResponseSchema, { events: found.map(eventMessage) });
    },
  });
}
