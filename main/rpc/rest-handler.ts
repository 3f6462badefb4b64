import {
  create,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { ConnectError } from '@connectrpc/connect';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import type { Logger } from '../base/logger.ts';
import { httpStatus, toConnectError } from './api-errors.ts';
import type { Call, Caller } from './call.ts';
import { JsonMismatch, jsonToMessage, type ReadContext } from './json/json-to-message.ts';
import { messageToJson } from './json/message-to-json.ts';
import { applyQuery, setPath } from './json/query-to-message.ts';
import { batchesOf } from './message-batches.ts';
import { createRestRoutes, REST_PREFIX, type RestMatch } from './rest-routes.ts';
import { type GuardedMethod, MAX_MESSAGE_BYTES, type Router } from './router.ts';

const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

export interface RestOptions {
  readonly router: Router;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** Answers requests below `/api/v3`. */
export type RestHandler = (
  request: Request,
  caller: Caller,
  controller: AbortController,
) => Promise<Response>;

function jsonResponse(status: number, json: JsonValue, headers: Headers): Response {
  headers.set('content-type', 'application/json');
  return new Response(JSON.stringify(json), { status, headers });
}

function plainError(code: number, message: string, headers: Headers): Response {
  return jsonResponse(httpStatus(code), { code, message, details: [] }, headers);
}

/** The body of an error, with its `ErrorDetails` packed as The Things Stack does. */
function errorJson(error: ConnectError, context: ReadContext): JsonObject {
  const details = error.findDetails(ErrorDetailsSchema).map((one) => {
    const json = messageToJson(ErrorDetailsSchema, one, context) as JsonObject;
    return { '@type': anyPack(ErrorDetailsSchema, one).typeUrl, ...json };
  });
  return { code: error.code, message: error.rawMessage, details };
}

/** Thrown for bodies that are no JSON or do not fit the request. */
class BadBody extends Error {
  override readonly name = 'BadBody';
}

/** The next piece of a body; a client that goes away in the middle of it is no fault of ours. */
async function nextChunk(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader?.read())?.value;
  } catch (error) {
    throw new BadBody('the body ended early', { cause: error });
  }
}

/** The body, read no further than its largest permitted size: a chunked one does not say how long it is. */
async function bodyBytes(request: Request): Promise<Uint8Array> {
  const length = Number(request.headers.get('content-length') ?? 0);
  if (length > MAX_MESSAGE_BYTES) throw new BadBody('the body is larger than 16 MiB');
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (let chunk = await nextChunk(reader); chunk; chunk = await nextChunk(reader)) {
    size += chunk.length;
    if (size > MAX_MESSAGE_BYTES) throw new BadBody('the body is larger than 16 MiB');
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Deepest nesting of a body. Whatever walks over one later does so with a stack that is not endless. */
const MOST_NESTING = 100;

function nestsDeeper(json: unknown, levels: number): boolean {
  if (typeof json !== 'object' || json === null) return false;
  return levels === 0 || Object.values(json).some((inner) => nestsDeeper(inner, levels - 1));
}

async function bodyJson(request: Request): Promise<JsonValue | undefined> {
  const bytes = await bodyBytes(request);
  if (bytes.length === 0) return undefined;
  let json: JsonValue;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch (error) {
    throw new BadBody(
      `the body is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`,
    );
  }
  if (nestsDeeper(json, MOST_NESTING))
    throw new BadBody(`the body is nested deeper than ${MOST_NESTING} levels`);
  return json;
}

async function readRequest(
  request: Request,
  match: RestMatch,
  context: ReadContext,
): Promise<Message> {
  const { input } = match.route.method.desc;
  const { body } = match.route;
  let message = create(input) as Message;
  if (body !== '') {
    const json = await bodyJson(request);
    if (json !== undefined)
      message = jsonToMessage(input, body === '*' ? json : { [body]: json }, context);
  }
  if (body !== '*') applyQuery(input, message, new URL(request.url).searchParams, context);
  for (const [path, text] of match.variables) setPath(input, message, path, text, context);
  return message;
}

interface AnswerHeaders {
  readonly headers: Headers;
  readonly call: Call;
}

function answerHeaders(request: Request, caller: Caller, signal: AbortSignal): AnswerHeaders {
  const headers = new Headers({ 'cache-control': 'no-store' });
  headers.set('x-request-id', request.headers.get('x-request-id') ?? crypto.randomUUID());
  const call: Call = {
    caller,
    signal,
    setTotalCount: (count) => headers.set('x-total-count', String(count)),
    setContinuationToken: (token) => headers.set('x-continuation-token', token),
    warn: (text) => headers.append('x-warning', text),
  };
  return { headers, call };
}

async function answerUnary(
  method: Extract<GuardedMethod, { kind: 'unary' }>,
  message: Message,
  { headers, call }: AnswerHeaders,
  context: ReadContext,
): Promise<Response> {
  const answer = await method.invoke(message, call);
  return jsonResponse(200, messageToJson(method.desc.output, answer, context), headers);
}

/** A stream of `{"result":…}` objects. Its first message is awaited, so that an early error has its own status. */
async function answerStream(
  method: Extract<GuardedMethod, { kind: 'server_streaming' }>,
  message: Message,
  { headers, call }: AnswerHeaders,
  options: RestOptions & { readonly asEvents: boolean; readonly controller: AbortController },
): Promise<Response> {
  const { asEvents, controller: client } = options;
  const batches = batchesOf(method.invoke(message, call)[Symbol.asyncIterator]());
  const encoder = new TextEncoder();
  const line = (json: JsonObject): string => `${JSON.stringify(json)}${asEvents ? '\n\n' : '\n'}`;
  const result = (one: Message): string =>
    line({ result: messageToJson(method.desc.output, one, options) });
  let next: IteratorResult<readonly Message[]> | undefined;
  try {
    next = await batches.next();
  } catch (error) {
    const connect = toConnectError(error, options);
    if (connect.code === UNAUTHENTICATED) headers.set('www-authenticate', 'Bearer');
    return jsonResponse(httpStatus(connect.code), { error: errorJson(connect, options) }, headers);
  }
  headers.set('content-type', asEvents ? 'text/event-stream' : 'application/json');
  headers.set('cache-control', 'no-store, no-transform');
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const batch = next ?? (await batches.next());
        next = undefined;
        if (client.signal.aborted) return;
        if (batch.done) controller.close();
        else controller.enqueue(encoder.encode(batch.value.map(result).join('')));
      } catch (error) {
        if (client.signal.aborted) return;
        const json = { error: errorJson(toConnectError(error, options), options) };
        controller.enqueue(encoder.encode(line(json)));
        controller.close();
      }
    },
    cancel() {
      // The method hears of it at once; waiting for it here would wait for its next message.
      client.abort();
    },
  });
  return new Response(body, { status: 200, headers });
}

/** Creates the REST side of the router. */
export function createRestHandler(options: RestOptions): RestHandler {
  const find = createRestRoutes(options.router.methods);
  return async (request, caller, controller) => {
    const url = new URL(request.url);
    const match = find(request.method, url.pathname.slice(REST_PREFIX.length));
    const answer = answerHeaders(request, caller, controller.signal);
    if (match === 'no_route') return plainError(NOT_FOUND, 'Not Found', answer.headers);
    if (match === 'other_verb')
      return plainError(UNIMPLEMENTED, 'Method Not Allowed', answer.headers);
    const { method } = match.route;
    try {
      const message = await readRequest(request, match, options);
      const asEvents = request.headers.get('accept')?.includes('text/event-stream') ?? false;
      return method.kind === 'unary'
        ? await answerUnary(method, message, answer, options)
        : await answerStream(method, message, answer, { ...options, asEvents, controller });
    } catch (error) {
      if (error instanceof JsonMismatch || error instanceof BadBody) {
        return plainError(INVALID_ARGUMENT, error.message, answer.headers);
      }
      const connect = toConnectError(error, options);
      if (connect.code === UNAUTHENTICATED) answer.headers.set('www-authenticate', 'Bearer');
      return jsonResponse(httpStatus(connect.code), errorJson(connect, options), answer.headers);
    }
  };
}
