/** Scheme and host everything of ours is loaded from. */
export const APP_SCHEME = 'app';
export const APP_HOST = 'gatehouse';
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/`;

/** Hosts whose https pages may be opened in the user's browser. */
export const EXTERNAL_HOSTS: readonly string[] = [
  'lora-alliance.org',
  'resources.lora-alliance.org',
  'www.thethingsindustries.com',
  'www.thethingsnetwork.org',
];

/** Whether a URL (or the origin of one) is ours, by its parsed parts: prefixes can be imitated. */
export function isOwnUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    url.protocol === `${APP_SCHEME}:` &&
    url.host === APP_HOST &&
    url.username === '' &&
    url.password === ''
  );
}

/** Whether a link may be handed to the user's browser. */
export function isExternalUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    url.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    EXTERNAL_HOSTS.includes(url.host)
  );
}

/** Whether a URL leads to a web server on this computer. */
export function isLoopbackUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    url.password === '' &&
    ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  );
}
