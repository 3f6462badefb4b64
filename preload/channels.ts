/** Every message that crosses between page and main process. Nothing else is handled. */
export const CHANNELS = {
  pickFile: 'gatehouse:pick-file',
  saveFile: 'gatehouse:save-file',
  setTheme: 'gatehouse:set-theme',
  command: 'gatehouse:command',
} as const;

/** Menu commands the page carries out; the main process does all others itself. */
export const PAGE_COMMANDS = [
  'open-settings',
  'find',
  'show-overview',
  'show-devices',
  'show-gateways',
  'show-frames',
  'add-device',
  'add-gateway',
  'export-frames',
] as const;

export type PageCommand = (typeof PAGE_COMMANDS)[number];

export const THEMES = ['system', 'light', 'dark'] as const;

export type Theme = (typeof THEMES)[number];
