import { expect, test } from 'vitest';
import { APP_SCHEMES, registerScheme } from './protocol.ts';

test('the app scheme has the privileges pages and streams need, and no others', () => {
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
