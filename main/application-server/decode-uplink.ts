import type { JsonObject } from '@bufbuild/protobuf';
import type { ApplicationUplink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ApplicationUplinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { EntityRef, EventBus } from '../events/index.ts';
import { formatterFailure } from './application-messages.ts';
import type { FormatterFailure } from './formatters/formatter-result.ts';
import type { Formatters, PayloadFormatter } from './formatters/formatters.ts';

/** What a formatter made of an uplink. Without a formatter everything is empty. */
export interface DecodedUplink {
  readonly data?: JsonObject;
  readonly warnings: readonly string[];
  readonly normalized: readonly JsonObject[];
  readonly normalizedWarnings: readonly string[];
  readonly failure?: FormatterFailure;
}

export const NOT_DECODED: DecodedUplink = { warnings: [], normalized: [], normalizedWarnings: [] };

/** Decodes a payload in the clear. A failure is part of the answer: the uplink goes on without its decoded payload. */
export async function decodeUplink(
  formatters: Formatters,
  use: {
    readonly applicationId: string;
    readonly formatter: PayloadFormatter;
    readonly fPort: number | undefined;
    readonly bytes: Uint8Array;
    readonly receivedAtMs: number;
  },
): Promise<DecodedUplink> {
  const { applicationId: scope, formatter, fPort = 0, bytes, receivedAtMs } = use;
  if (fPort === 0) return NOT_DECODED;
  const result = await formatters.decodeUplink({ scope, formatter, fPort, bytes, receivedAtMs });
  if (!result) return NOT_DECODED;
  if (!result.ok) return { ...NOT_DECODED, failure: result };
  return {
    warnings: result.warnings,
    normalized: result.normalized as readonly JsonObject[],
    normalizedWarnings: result.normalizedWarnings,
    ...(result.data && { data: result.data as JsonObject }),
  };
}

/** The fields of an uplink message that come from its formatter. */
export function decodedFields({ data, warnings, normalized, normalizedWarnings }: DecodedUplink) {
  return {
    ...(data && { decodedPayload: data }),
    decodedPayloadWarnings: [...warnings],
    normalizedPayload: [...normalized],
    normalizedPayloadWarnings: [...normalizedWarnings],
  };
}

/** Tells subscribers what a formatter had to complain about. */
export function publishDecodeProblems(
  events: Pick<EventBus, 'publish'>,
  about: { readonly identifiers: readonly EntityRef[]; readonly correlationIds: readonly string[] },
  { failure, warnings, normalizedWarnings }: DecodedUplink,
  message: () => ApplicationUplink,
): void {
  const data = () => ({ schema: ApplicationUplinkSchema, message: message() });
  if (failure)
    events.publish({
      name: 'as.up.data.decode.fail',
      ...about,
      data: () => formatterFailure(failure),
      causeCode: 'formatter_failed',
    });
  if (warnings.length > 0) events.publish({ name: 'as.up.data.decode.warning', ...about, data });
  if (normalizedWarnings.length > 0)
    events.publish({ name: 'as.up.data.normalize.warning', ...about, data });
}
