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
  | { readonly kind: 'repository' };

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

function noCatalogue(): FormatterFailure {
  return failure(
    'formatter_not_configured',
    'The device catalogue has no formatters yet; choose JavaScript or CayenneLPP instead.',
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
          return noCatalogue();
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
          return noCatalogue();
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
          return noCatalogue();
      }
    },
  };
}
