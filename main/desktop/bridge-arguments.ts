import type { FilePurpose, PickFileOptions, SaveFileOptions } from '../../preload/capability.ts';
import { THEMES, type Theme } from '../../preload/channels.ts';
import { defineError } from '../base/errors.ts';

export const badArgument = defineError(
  'gatehouse/desktop:bad_argument',
  'INVALID_ARGUMENT',
  'The window asked for {what} with an argument it may not use: {reason}.',
);

/** Largest file the window may save in one piece. */
export const MAX_SAVED_BYTES = 512 * 1024 * 1024;

const PURPOSES: readonly FilePurpose[] = ['import', 'export', 'capture'];
const EXTENSION = /^[a-z0-9]{1,10}$/;
/** Characters no platform allows in a file name, and those that would lead into another folder. */
const FORBIDDEN_IN_NAMES = /[<>:"/\\|?*]/;
const MAX_NAME_LENGTH = 200;

function fields(what: string, value: unknown, allowed: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badArgument({ what, reason: 'it is not an object' });
  }
  const stranger = Object.keys(value).find((name) => !allowed.includes(name));
  if (stranger !== undefined) {
    throw badArgument({ what, reason: `the field ${stranger.slice(0, 40)} is unknown` });
  }
  return value as Record<string, unknown>;
}

function purpose(what: string, value: unknown): FilePurpose {
  const found = PURPOSES.find((known) => known === value);
  if (!found) throw badArgument({ what, reason: 'the purpose is unknown' });
  return found;
}

function fileName(what: string, value: unknown): string {
  const usable =
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_NAME_LENGTH &&
    !value.startsWith('.') &&
    !FORBIDDEN_IN_NAMES.test(value) &&
    [...value].every((character) => character >= ' ' && character !== '\u007f');
  if (!usable) throw badArgument({ what, reason: 'the file name is not a plain name' });
  return value;
}

/** Checks what the page passed to `pickFile`. */
export function parsePickFile(value: unknown): Required<PickFileOptions> {
  const what = 'a file to open';
  const options = fields(what, value, ['purpose', 'extensions']);
  const extensions: unknown = options.extensions ?? [];
  const usable =
    Array.isArray(extensions) &&
    extensions.length <= 20 &&
    extensions.every((extension) => typeof extension === 'string' && EXTENSION.test(extension));
  if (!usable) throw badArgument({ what, reason: 'the extensions are not plain words' });
  return { purpose: purpose(what, options.purpose), extensions };
}

/** Checks what the page passed to `saveFile`. */
export function parseSaveFile(value: unknown): SaveFileOptions {
  const what = 'a file to save';
  const options = fields(what, value, ['purpose', 'suggestedName', 'bytes']);
  const { bytes } = options;
  if (!(bytes instanceof Uint8Array)) throw badArgument({ what, reason: 'there are no bytes' });
  if (bytes.byteLength > MAX_SAVED_BYTES) {
    throw badArgument({ what, reason: `it is larger than ${MAX_SAVED_BYTES} bytes` });
  }
  return {
    purpose: purpose(what, options.purpose),
    suggestedName: fileName(what, options.suggestedName),
    bytes,
  };
}

/** Checks what the page passed to `theme.set`. */
export function parseTheme(value: unknown): Theme {
  const theme = THEMES.find((known) => known === value);
  if (!theme) throw badArgument({ what: 'a theme', reason: 'it is unknown' });
  return theme;
}
