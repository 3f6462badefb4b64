import type { EndDeviceVersionIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { errorText, GatehouseError } from '../../base/errors.ts';
import { noDecoder } from '../../registry/catalogue/errors.ts';
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
  /** The codec of the device catalogue for this device. */
  | { readonly kind: 'repository'; readonly versionIds: EndDeviceVersionIdentifiers | undefined }
  | { readonly kind: 'grpc_service' };

/** Finds scripts of the device catalogue. Rejects with the error that its methods answer with. */
export type CatalogueScripts = (
  kind: 'uplink_decoder' | 'downlink_decoder' | 'downlink_encoder',
  versionIds: EndDeviceVersionIdentifiers | undefined,
) => Promise<string>;

/** Longest script of the catalogue. Nobody here can shorten those, so they may be longer than users' own. */
const MAX_CATALOGUE_SCRIPT_BYTES = 512 * 1024;

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

/** Nothing answers for formatters that another program would have to offer. */
function notConfigured(): FormatterFailure {
  return failure(
    'formatter_not_configured',
    'Formatters in other programs are not offered; choose JavaScript, CayenneLPP or the device catalogue.',
  );
}

/** What a script of the catalogue gives. */
async function withCatalogue<Result>(
  script: Promise<string>,
  run: (use: { readonly script: string; readonly maxScriptBytes: number }) => Promise<Result>,
): Promise<Result | FormatterFailure> {
  let found: string;
  try {
    found = await script;
  } catch (error) {
    return failure(
      // Most codecs only decode uplinks: a direction they lack is like a function a script lacks.
      noDecoder.is(error) ? 'entrypoint_not_found' : 'catalogue',
      errorText(error),
      error instanceof GatehouseError ? { cause: error } : {},
    );
  }
  return run({ script: found, maxScriptBytes: MAX_CATALOGUE_SCRIPT_BYTES });
}

function lppUplink(bytes: Uint8Array): DecodeUplinkResult {
  const decoded = decodeLppUplink(bytes);
  return decoded.ok
    ? { ...decoded, warnings: [], normalized: [], normalizedWarnings: [] }
    : decoded;
}

/** @param catalogueScript where devices whose formatter is the catalogue's get theirs */
export function createFormatters(
  service: FormatterService,
  catalogueScript: CatalogueScripts,
): Formatters {
  return {
    async decodeUplink({ formatter, ...input }) {
      // FPort 0 carries MAC commands, never application data.
      if (input.fPort === 0) return undefined;
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.decodeUplink({ ...input, script: formatter.script });
        case 'cayennelpp':
          return lppUplink(input.bytes);
        case 'repository':
          return withCatalogue(catalogueScript('uplink_decoder', formatter.versionIds), (use) =>
            service.decodeUplink({ ...input, ...use }),
          );
        case 'grpc_service':
          return notConfigured();
      }
    },
    async encodeDownlink({ formatter, ...input }) {
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.encodeDownlink({ ...input, script: formatter.script });
        case 'cayennelpp':
          return encodeLppDownlink(input.data, input.fPort);
        case 'repository':
          return withCatalogue(catalogueScript('downlink_encoder', formatter.versionIds), (use) =>
            service.encodeDownlink({ ...input, ...use }),
          );
        case 'grpc_service':
          return notConfigured();
      }
    },
    async decodeDownlink({ formatter, ...input }) {
      switch (formatter.kind) {
        case 'none':
          return undefined;
        case 'javascript':
          return service.decodeDownlink({ ...input, script: formatter.script });
        case 'cayennelpp':
          return decodeLppDownlink(input.bytes);
        case 'repository':
          return withCatalogue(catalogueScript('downlink_decoder', formatter.versionIds), (use) =>
            service.decodeDownlink({ ...input, ...use }),
          );
        case 'grpc_service':
          return notConfigured();
      }
    },
  };
}
