import { decodeLppDownlink, decodeLppUplink, encodeLppDownlink } from './cayenne-lpp.ts';
import {
  type DecodeDownlinkResult,
  type DecodeUplinkResult,
  type EncodeDownlinkResult,
  type FormatterFailure,
  failure,
  type JsonObject,
} from './formatter-result.ts';
import type { FormatterService } from './formatter-service.ts';

/** The formatter of one direction, as a device or its application selects it. */
export type PayloadFormatter =
  | { readonly kind: 'none' }
  | { readonly kind: 'javascript'; readonly script: string }
  | { readonly kind: 'cayennelpp' }
  /** Of the device catalogue. */
  | { readonly kind: 'repository'; readonly hasVersion: boolean }
  /** An external program; the API has a word for it, and nothing here can call one. */
  | { readonly kind: 'grpc_service' };

interface FormatterUse {
  /** Application id. */
  readonly scope: string;
  readonly formatter: PayloadFormatter;
  /** FPort, 0..255. */
  readonly fPort: number;
}

export type FormatBytes = FormatterUse & { readonly bytes: Uint8Array };
/** With the time at which the uplink was received, on the wall clock. */
export type FormatUplink = FormatBytes & { readonly receivedAtMs: number };
export type FormatData = FormatterUse & { readonly data: JsonObject };

/** Applies payload formatters of any kind. `undefined` means that there is nothing to format with. */
export interface Formatters {
  decodeUplink(input: FormatUplink): Promise<DecodeUplinkResult | undefined>;
  encodeDownlink(input: FormatData): Promise<EncodeDownlinkResult | undefined>;
  decodeDownlink(input: FormatBytes): Promise<DecodeDownlinkResult | undefined>;
}

const INSTEAD = 'choose JavaScript or CayenneLPP instead.';

/** Why a formatter of a kind that is not served gives nothing. */
function notServed(
  formatter: Extract<PayloadFormatter, { kind: 'repository' | 'grpc_service' }>,
): FormatterFailure {
  if (formatter.kind === 'grpc_service')
    return failure('formatter_not_configured', `Formatters over gRPC are not served; ${INSTEAD}`);
  if (!formatter.hasVersion)
    return failure(
      'no_version_identifiers',
      'The device does not say which product it is (version_ids), so it has no formatter.',
    );
  return failure(
    'formatter_not_configured',
    `The device catalogue has no formatters yet; ${INSTEAD}`,
  );
}

export function createFormatters(service: FormatterService): Formatters {
  return {
    async decodeUplink({ scope, formatter, fPort, bytes, receivedAtMs }) {
      // FPort 0 carries MAC commands, never application data.
      if (fPort === 0) return undefined;
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.decodeUplink({
            scope,
            script: formatter.script,
            fPort,
            bytes,
            receivedAtMs,
          });
        case 'cayennelpp': {
          const decoded = decodeLppUplink(bytes);
          return decoded.ok
            ? { ...decoded, warnings: [], normalized: [], normalizedWarnings: [] }
            : decoded;
        }
        case 'repository':
        case 'grpc_service':
          return notServed(formatter);
      }
    },
    async encodeDownlink({ scope, formatter, fPort, data }) {
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.encodeDownlink({ scope, script: formatter.script, fPort, data });
        case 'cayennelpp':
          return encodeLppDownlink(data, fPort);
        case 'repository':
        case 'grpc_service':
          return notServed(formatter);
      }
    },
    async decodeDownlink({ scope, formatter, fPort, bytes }) {
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.decodeDownlink({ scope, script: formatter.script, fPort, bytes });
        case 'cayennelpp':
          return decodeLppDownlink(bytes);
        case 'repository':
        case 'grpc_service':
          return notServed(formatter);
      }
    },
  };
}
