import type { DescMethod, DescService, Message, MessageShape, Registry } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Clock } from '../base/clock.ts';
import { defineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { type ErrorContext, toConnectError } from './api-errors.ts';
import { type Call, callerKey } from './call.ts';
import { checkMask, validationScope } from './field-masks.ts';
import { checkAccess } from './rights.ts';
import { typesOf } from './types-of-services.ts';
import { validateRequest } from './validation.ts';

const unimplemented = defineError(
  'pkg/rpcserver:unimplemented',
  'UNIMPLEMENTED',
  'Gatehouse does not offer {method} yet.',
);

/** What implements a method. Requests have passed every check of the contract before. */
export type MethodImplementation<M extends DescMethod> = M extends {
  methodKind: 'server_streaming';
}
  ? (request: MessageShape<M['input']>, call: Call) => AsyncIterable<MessageShape<M['output']>>
  : (
      request: MessageShape<M['input']>,
      call: Call,
    ) => Promise<MessageShape<M['output']>> | MessageShape<M['output']>;

export type Implementation<S extends DescService> = {
  readonly [K in keyof S['method']]?: MethodImplementation<S['method'][K]>;
};

/** A service with what implements it. */
export interface Served {
  readonly service: DescService;
  readonly implementation: Readonly<Record<string, unknown>>;
}

/** Pairs a service with its implementation; missing methods answer `unimplemented`. */
export function serve<S extends DescService>(
  service: S,
  implementation: Implementation<S>,
): Served {
  return { service, implementation: implementation as Readonly<Record<string, unknown>> };
}

type Unary = (request: Message, call: Call) => Promise<Message>;
type Streaming = (request: Message, call: Call) => AsyncIterable<Message>;

/** A method with all checks of the contract in front of it. Errors are `ConnectError`s. */
export type GuardedMethod =
  | { readonly kind: 'unary'; readonly desc: DescMethod; readonly invoke: Unary }
  | { readonly kind: 'server_streaming'; readonly desc: DescMethod; readonly invoke: Streaming };

export interface Router {
  /** Adds every service to a Connect router: gRPC, gRPC-Web and Connect. */
  register(connect: ConnectRouter): void;
  /** The same methods for REST. */
  readonly methods: readonly GuardedMethod[];
  /** Every type the services mention, for `google.protobuf.Any`. */
  readonly registry: Registry;
}

export interface RouterOptions {
  readonly services: readonly Served[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Largest message, each way. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * A client may know fields that this program does not. As in JSON they are left out: kept, they would be stored and sent
 * on as bytes that nothing here has looked at.
 */
export const BINARY_OPTIONS = { readUnknownFields: false } as const;

/**
 * Ends a stream whose reader went away. A method that waits hears of the abort itself; one that rests at a message nobody
 * takes any more (a slow reader left) has to be ended from outside.
 */
function endOnAbort(stream: AsyncGenerator<Message>, signal: AbortSignal): AsyncGenerator<Message> {
  const end = (): void => {
    stream.return(undefined).catch(() => undefined);
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return stream;
}

function guard(
  desc: DescMethod,
  implementation: unknown,
  { clock, ...context }: ErrorContext & { readonly clock: Clock },
): GuardedMethod {
  const check = (request: Message, call: Call): void => {
    checkMask(desc, request);
    validateRequest(desc.input, request, clock.now(), validationScope(desc, request));
    checkAccess(desc, request, call.caller);
    if (implementation === undefined)
      throw unimplemented({ method: `${desc.parent.name}.${desc.name}` });
  };
  if (desc.methodKind === 'server_streaming') {
    const stream = async function* (request: Message, call: Call): AsyncGenerator<Message> {
      try {
        check(request, call);
        yield* (implementation as Streaming)(request, call);
      } catch (error) {
        if (!call.signal.aborted) throw toConnectError(error, context);
      }
    };
    return {
      kind: 'server_streaming',
      desc,
      invoke: (request, call) => endOnAbort(stream(request, call), call.signal),
    };
  }
  return {
    kind: 'unary',
    desc,
    async invoke(request, call) {
      try {
        check(request, call);
        return await (implementation as Unary)(request, call);
      } catch (error) {
        throw toConnectError(error, context);
      }
    },
  };
}

function callOf(context: HandlerContext): Call {
  return {
    caller: context.values.get(callerKey),
    signal: context.signal,
    setTotalCount: (count) => context.responseHeader.set('x-total-count', String(count)),
    setContinuationToken: (token) => context.responseHeader.set('x-continuation-token', token),
    warn: (text) => context.responseHeader.append('warning', text),
  };
}

/** One router for every carrier. */
export function createRouter(options: RouterOptions): Router {
  const methods: GuardedMethod[] = [];
  const registry = typesOf(options.services.map(({ service }) => service));
  const services = options.services.map(({ service, implementation }) => {
    const served: Record<string, unknown> = {};
    for (const desc of service.methods) {
      const guarded = guard(desc, implementation[desc.localName], { ...options, registry });
      methods.push(guarded);
      served[desc.localName] = (request: Message, context: HandlerContext) =>
        guarded.invoke(request, callOf(context));
    }
    return { service, served };
  });
  return {
    methods,
    registry,
    register(connect) {
      for (const { service, served } of services) {
        connect.service(service, served as Partial<ServiceImpl<DescService>>);
      }
    },
  };
}
