import { randomBytes } from 'node:crypto';
import { create, createRegistry, isMessage, type Registry } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorDetails, ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { defineError, GatehouseError, STATUS } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

const panic = defineError(
  'pkg/rpcserver:rpc_recovered',
  'INTERNAL',
  'Something went wrong inside Gatehouse. The log has the details under correlation id {correlation_id}.',
);

const correlationId = (): string => randomBytes(16).toString('hex');

/** Attributes as JSON: lists stay lists, everything else is text, number or flag. */
function attributesOf(error: GatehouseError): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    Object.entries(error.attributes).map(([name, value]) => [
      name,
      typeof value === 'object' ? [...value] : value,
    ]),
  );
}

/** How errors are turned into answers. */
export interface ErrorContext {
  readonly logger: Logger;
  /** Types of the messages an error may carry as details. */
  readonly registry: Registry;
}

/** The messages an error carries, packed; what is no message of the contract is left out. */
function packedDetails(error: GatehouseError, registry: Registry): Any[] {
  return error.details.flatMap((detail) => {
    const desc = isMessage(detail) ? registry.getMessage(detail.$typeName) : undefined;
    return desc && isMessage(detail, desc) ? [anyPack(desc, detail)] : [];
  });
}

/** An error in the API's form, with its causes nested. */
export function errorDetails(
  error: GatehouseError,
  registry: Registry,
  id: string = correlationId(),
): ErrorDetails {
  return create(ErrorDetailsSchema, {
    namespace: error.namespace,
    name: error.reason,
    messageFormat: error.messageFormat,
    ...(Object.keys(error.attributes).length > 0 && { attributes: attributesOf(error) }),
    correlationId: id,
    code: STATUS[error.status],
    ...(error.cause instanceof GatehouseError && { cause: errorDetails(error.cause, registry) }),
    details: packedDetails(error, registry),
  });
}

/** An error that is part of an answer, without messages it may carry. */
export function describeError(error: GatehouseError): ErrorDetails {
  return errorDetails(error, createRegistry());
}

/** Text that clients see: identity, then what happened. */
function fullMessage(error: GatehouseError): string {
  return `error:${error.code} (${error.message})`;
}

function connectError(error: GatehouseError, value: ErrorDetails): ConnectError {
  const connect = new ConnectError(fullMessage(error), STATUS[error.status] as Code);
  connect.details.push({ desc: ErrorDetailsSchema, value });
  return connect;
}

/** Any thrown value as the one error clients get. What is not ours is logged and hidden behind a correlation id. */
export function toConnectError(thrown: unknown, { logger, registry }: ErrorContext): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof GatehouseError) return connectError(thrown, errorDetails(thrown, registry));
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new ConnectError('the call was canceled', Code.Canceled);
  }
  const id = correlationId();
  logger.error({ error: thrown, correlationId: id }, 'a call failed unexpectedly');
  const hidden = panic({ correlation_id: id });
  return connectError(hidden, errorDetails(hidden, registry, id));
}

const HTTP_STATUS: Readonly<Record<number, number>> = {
  1: 499,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
};

/** HTTP status of a gRPC code. */
export function httpStatus(code: number): number {
  return HTTP_STATUS[code] ?? 500;
}
