import type { JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailsSchema } from '../../main/api/gen/ttn/lorawan/v3/error_pb.js';

/** A failure in words, ready to be shown. */
export interface Problem {
  readonly text: string;
  /** Stable name to search for, e.g. `pkg/networkserver:device_not_found`. */
  readonly code: string | undefined;
  /** Path of the field in question, if the server names one. */
  readonly field: string | undefined;
  /** The server does not know this browser. A session of the page may do everything, so that a refusal means none. */
  readonly unauthorized: boolean;
  readonly notFound: boolean;
}

const CODE_TEXTS: Partial<Record<Code, string>> = {
  [Code.Unavailable]: 'Gatehouse cannot be reached. Is the program still running?',
  [Code.Unimplemented]: 'This Gatehouse does not offer that yet.',
  [Code.DeadlineExceeded]: 'Gatehouse did not answer in time. Try again.',
  [Code.Unauthenticated]: 'This page has no session any more.',
};

function stringAttribute(attributes: JsonObject | undefined, name: string): string | undefined {
  const value = attributes?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fillIn(format: string, attributes: JsonObject | undefined): string {
  return format.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = attributes?.[name];
    return value === undefined || value === null ? placeholder : String(value);
  });
}

function sentence(text: string): string {
  const trimmed = text.trim().replace(/`([^`]*)`/g, '“$1”');
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…)]$/.test(capital) ? capital : `${capital}.`;
}

/** What went wrong, from anything that was thrown. */
export function toProblem(error: unknown): Problem {
  const failure = ConnectError.from(error, Code.Unavailable);
  const details = failure.findDetails(ErrorDetailsSchema)[0];
  const attributes = details?.attributes;
  const detailText = details === undefined ? '' : fillIn(details.messageFormat, attributes);
  const ownText = failure.rawMessage;
  // A browser that gets no answer at all throws a TypeError with words of its own.
  const unanswered = failure.cause instanceof TypeError || failure.code === Code.Unavailable;
  const unreachable = details === undefined && unanswered;
  const text =
    (unreachable ? CODE_TEXTS[Code.Unavailable] : undefined) ??
    (detailText || CODE_TEXTS[failure.code] || ownText || Code[failure.code]);
  return {
    text: sentence(text),
    code: details === undefined ? undefined : `${details.namespace}:${details.name}`,
    field: stringAttribute(attributes, 'field') ?? stringAttribute(attributes, 'path'),
    unauthorized: [Code.Unauthenticated, Code.PermissionDenied].includes(failure.code),
    notFound: failure.code === Code.NotFound,
  };
}
