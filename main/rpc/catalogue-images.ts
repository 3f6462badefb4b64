import type { CatalogueImageRow } from '../store/index.ts';
import type { Caller } from './call.ts';

/** Images of the device catalogue lie below this path, by brand and file. */
const IMAGE_PATH = /^\/vendor\/([a-z0-9-]{3,36})\/([^?#]{1,512})$/;

/**
 * Imported images are foreign content under our own address: they are what their bytes are, run nothing, and are not to be
 * taken for anything else.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // A file may be another one after the next import.
  'cache-control': 'private, no-cache',
};

const refused = (status: number): Response => new Response(null, { status, headers: HEADERS });

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Answers requests for images of the catalogue; undefined for all others. Whoever has credentials may have them. */
export function createCatalogueImages(
  image: (brandId: string, path: string) => Promise<CatalogueImageRow | undefined>,
): (request: Request, caller: Caller) => Promise<Response | undefined> {
  return async (request, caller) => {
    const match = IMAGE_PATH.exec(new URL(request.url).pathname);
    if (!match) return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') return refused(405);
    if (caller.kind === 'anonymous' || caller.kind === 'refused') return refused(401);
    const path = decoded(match[2] ?? '');
    const found = path === undefined ? undefined : await image(match[1] ?? '', path);
    if (!found) return refused(404);
    const headers = new Headers({
      ...HEADERS,
      etag: `"${found.hash}"`,
      'content-type': found.type,
    });
    if (request.headers.get('if-none-match') === headers.get('etag'))
      return new Response(null, { status: 304, headers });
    headers.set('content-length', String(found.bytes.length));
    const body = request.method === 'HEAD' ? null : new Uint8Array(found.bytes);
    return new Response(body, { headers });
  };
}
