import { describe, expect, it } from 'vitest';
import { APP_SCHEMES, registerScheme, serveApp } from './protocol.ts';

function served(handle: (request: Request) => Promise<Response>) {
  const errors: unknown[] = [];
  let handler: ((request: Request) => Response | Promise<Response>) | undefined;
  serveApp(
    {
      handle: (scheme, given) => {
        expect(scheme).toBe('app');
        handler = given;
      },
    },
    handle,
    { error: (fields) => errors.push(fields) },
  );
  return {
    errors,
    fetch: async (url: string) => {
      const request = new Request('http://placeholder/');
      Object.defineProperty(request, 'url', { value: url });
      return (await handler?.(request)) ?? Response.error();
    },
  };
}

describe('the app scheme', () => {
  it('has the privileges pages and streams need, and no others', () => {
    let registered: unknown;
    registerScheme({
      registerSchemesAsPrivileged: (schemes) => {
        registered = schemes;
      },
    });
    expect(registered).toBe(APP_SCHEMES);
    expect(APP_SCHEMES).toEqual([
      {
        scheme: 'app',
        privileges: {
          standard: true,
          secure: true,
          supportFetchAPI: true,
          stream: true,
          codeCache: true,
        },
      },
    ]);
  });

  it('serves one host only', async () => {
    const asked: string[] = [];
    const app = served((request) => {
      asked.push(request.url);
      return Promise.resolve(new Response('page'));
    });
    for (const url of ['app://evil/', 'app://gatehouse.evil/', 'app://gatehouse@evil/']) {
      expect((await app.fetch(url)).status).toBe(404);
    }
    expect(await (await app.fetch('app://gatehouse/frames')).text()).toBe('page');
    expect(asked).toEqual(['app://gatehouse/frames']);
  });

  it('answers and logs when the handler fails', async () => {
    const app = served(() => Promise.reject(new Error('broken')));
    const response = await app.fetch('app://gatehouse/');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('broken');
    expect(app.errors).toEqual([{ error: 'broken' }]);
  });
});
