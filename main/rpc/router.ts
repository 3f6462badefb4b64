import type { DescMethod, DescService, Message, MessageShape } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Clock } from '../base/clock.ts';
import { defineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { toConnectError } from './api-errors.ts';
import { type Call, callerKey } from './call.ts';
import { checkMask } from './field-masks.ts';
import { checkAccess } from './rights.ts';
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
}

export interface RouterOptions {
  readonly services: readonly Served[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Largest message, each way. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

function guard(
  desc: DescMethod,
  implementation: unknown,
  { clock, logger }: RouterOptions,
): GuardedMethod {
  const check = (request: Message, call: Call): void => {
    checkMask(desc, request);
    validateRequest(desc.input, request, clock.now());
    checkAccess(desc, request, call.caller);
    if (implementation === undefined)
      throw unimplemented({ method: `${desc.parent.name}.${desc.name}` });
  };
  if (desc.methodKind === 'server_streaming') {
    return {
      kind: 'server_streaming',
      desc,
      async *invoke(request, call) {
        try {
          check(request, call);
          yield* (implementation as Streaming)(request, call);
        } catch (error) {
          if (!call.signal.aborted) throw toConnectError(error, logger);
        }
      },
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
        throw toConnectError(error, logger);
      }
    },
  };
}

function callOf(context: HandlerContext): Call {
  return {
    caller: context.values.get(callerKey),
    signal: context.signal,
    setTotalCount: (count) => context.responseHeader.set('x-total-count', String(count)),
    warn: (text) => context.responseHeader.append('warning', text),
  };
}

/** One router for every carrier. */
export function createRouter(options: RouterOptions): Router {
  const methods: GuardedMethod[] = [];
  const services = options.services.map(({ service, implementation }) => {
    const served: Record<string, unknown> = {};
    for (const desc of service.methods) {
      const guarded = guard(desc, implementation[desc.localName], options);
      methods.push(guarded);
      served[desc.localName] = (request: Message, context: HandlerContext) =>
        guarded.invoke(request, callOf(context));
    }
    return { service, served };
  });
  return {
    methods,
    register(connect) {
      for (const { service, served } of services) {
        connect.service(service, served as Partial<ServiceImpl<DescService>>);
      }
    },
  };
}
