import type { Command } from './commands.ts';

export interface Shortcut {
  readonly command: Command;
  /** Keys in the order they are pressed, as `KeyboardEvent.key` names them. */
  readonly keys: readonly string[];
  readonly label: string;
}

/** Keys that work anywhere outside of text fields and dialogs. The help lists them in this order. */
export const SHORTCUTS: readonly Shortcut[] = [
  { command: 'show-frames', keys: ['g', 'f'], label: 'Go to live frames' },
  { command: 'show-devices', keys: ['g', 'd'], label: 'Go to devices' },
  { command: 'show-gateways', keys: ['g', 'g'], label: 'Go to gateways' },
  { command: 'show-catalogue', keys: ['g', 'c'], label: 'Go to the catalogue' },
  { command: 'show-workspace', keys: ['g', 'w'], label: 'Go to workspace' },
  { command: 'add-device', keys: ['n'], label: 'Register an end device' },
  { command: 'add-gateway', keys: ['c'], label: 'Connect a gateway' },
  { command: 'find', keys: ['/'], label: 'Filter frames, search devices and the catalogue' },
  { command: 'toggle-pause', keys: ['p'], label: 'Pause or resume the list of frames' },
  { command: 'export-frames', keys: ['e'], label: 'Export frames' },
  { command: 'show-help', keys: ['?'], label: 'This help' },
];

/** Longest time between two keys of one shortcut. */
export const SEQUENCE_MS = 1_500;

interface Pressed {
  readonly key: string;
  readonly atMs: number;
}

export type KeyMatch =
  | { readonly kind: 'command'; readonly command: Command }
  /** The key begins a longer shortcut. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'none' };

/** What a key means after the one before it. */
export function matchKey(before: Pressed | undefined, pressed: Pressed): KeyMatch {
  const recent = before !== undefined && pressed.atMs - before.atMs <= SEQUENCE_MS;
  const sequence = recent
    ? SHORTCUTS.find(
        ({ keys }) => keys.length === 2 && keys.join() === `${before.key},${pressed.key}`,
      )
    : undefined;
  const single = SHORTCUTS.find(({ keys }) => keys.length === 1 && keys[0] === pressed.key);
  const found = sequence ?? single;
  if (found !== undefined) return { kind: 'command', command: found.command };
  const begins = SHORTCUTS.some(({ keys }) => keys.length === 2 && keys[0] === pressed.key);
  return { kind: begins ? 'begun' : 'none' };
}

const TYPING =
  'textarea, select, [contenteditable="true"], input:not([type="checkbox"], [type="radio"])';
const OWN_KEYS = '[role="dialog"], [role="menu"], [role="listbox"]';

/** Whether the key belongs to the element it was pressed in: a text field, a dialog, an open list. */
export function ownsKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(`${TYPING}, ${OWN_KEYS}`) !== null;
}
