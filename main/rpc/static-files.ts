import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Stands in `index.html` where the nonce of the answer goes. */
const NONCE_PLACEHOLDER = '%GATEHOUSE_NONCE%';

/** The one content security policy of both shells. Styles of the component library carry the nonce. */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function securityHeaders(nonce: string): Headers {
  return new Headers({
    'content-security-policy': contentSecurityPolicy(nonce),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
}

/** Path below the folder that a URL path names, or undefined if it leads out of it. */
export function safeRelativePath(urlPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0') || decoded.includes('\\') || decoded.split('/').includes('..'))
    return undefined;
  const path = normalize(decoded).replace(/^[/\\]+/, '');
  return path.startsWith('..') || path.includes(`..${sep}`) ? undefined : path;
}

async function readOrUndefined(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch {
    return undefined;
  }
}

function notFound(nonce: string): Response {
  const headers = securityHeaders(nonce);
  headers.set('content-type', 'application/json');
  const body = {
    code: 5,
    message: 'error:pkg/webhandlers:route_not_found (there is nothing at this address)',
    details: [],
  };
  return new Response(JSON.stringify(body, null, 2), { status: 404, headers });
}

async function indexPage(folder: string, nonce: string): Promise<Response> {
  const page = await readOrUndefined(join(folder, 'index.html'));
  if (!page) return notFound(nonce);
  const headers = securityHeaders(nonce);
  headers.set('content-type', 'text/html; charset=utf-8');
  headers.set('cache-control', 'no-store');
  return new Response(page.toString('utf8').replaceAll(NONCE_PLACEHOLDER, nonce), { headers });
}

/** Serves the built user interface from a folder; addresses of its pages get `index.html`. */
export function createStaticFiles(folder: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const nonce = randomBytes(16).toString('base64');
    const path = safeRelativePath(new URL(request.url).pathname);
    if (path === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
      return notFound(nonce);
    if (extname(path) === '' || path === 'index.html') return indexPage(folder, nonce);
    const content = await readOrUndefined(join(folder, path));
    if (!content) return notFound(nonce);
    const headers = securityHeaders(nonce);
    headers.set('content-type', CONTENT_TYPES[extname(path)] ?? 'application/octet-stream');
    // Built assets carry a hash in their name.
    headers.set(
      'cache-control',
      path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
    return new Response(new Uint8Array(content), { headers });
  };
}
