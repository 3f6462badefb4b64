/** The one message that crosses from the main process to the page. None goes the other way. */
export const NAVIGATE_CHANNEL = 'gatehouse:navigate';

/** Addresses inside the page that the native menu leads to. */
export const PAGE_PATHS = [
  '/frames',
  '/devices',
  '/devices/register',
  '/gateways',
  '/workspace',
] as const;

export type PagePath = (typeof PAGE_PATHS)[number];
