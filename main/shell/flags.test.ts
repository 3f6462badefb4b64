import { expect, test } from 'vitest';
import { badFlag, parseFlags } from './flags.ts';

test('defaults are the documented addresses', () => {
  const flags = parseFlags([], {});
  expect(flags.http).toEqual({ host: '127.0.0.1', port: 1885, explicit: false });
  expect(flags.grpc).toEqual({ host: '127.0.0.1', port: 1884, explicit: false });
  expect(flags.udp).toEqual({ host: '127.0.0.1', port: 1700, explicit: false });
  expect(flags.open).toBe(true);
});

test('a given port is explicit, any free port is not', () => {
  expect(parseFlags(['--http', '0.0.0.0:80'], {}).http).toEqual({
    host: '0.0.0.0',
    port: 80,
    explicit: true,
  });
  expect(parseFlags(['--http', '127.0.0.1:0'], {}).http.explicit).toBe(false);
  expect(parseFlags(['--udp', '[::1]:1700'], {}).udp.host).toBe('::1');
});

test('the API key comes from the environment, and the command line is told apart', () => {
  expect(parseFlags([], { GATEHOUSE_API_KEY: 'NNSXS.A.B' })).toMatchObject({
    apiKey: 'NNSXS.A.B',
    apiKeyOnCommandLine: false,
  });
  expect(parseFlags(['--api-key', 'NNSXS.C.D'], {})).toMatchObject({ apiKeyOnCommandLine: true });
});

test.each([
  [['--http', 'nowhere'], '--http takes HOST:PORT, such as 127.0.0.1:1885, not "nowhere".'],
  [['--http', '127.0.0.1:99999'], '--http takes HOST:PORT'],
  [['--simulate', 'many'], '--simulate takes a number from 0 to 10000, not "many".'],
  [['--simulate', '-1'], '--simulate needs a value.'],
  [['--join-eui-prefix', '70B3D57ED0000001/36'], '--join-eui-prefix takes a JoinEUI'],
  [['--dev-nonce-limit', '0'], '--dev-nonce-limit takes a number from 1 to 65536, not "0".'],
  [['--data-dir'], '--data-dir needs a value.'],
  [['--no-open=1'], '--no-open takes no value.'],
  [['--unknown'], 'There is no option --unknown.'],
  [['--unknown=1'], 'There is no option --unknown.'],
  [['simulate'], 'simulate belongs to no option.'],
])('%j is refused with a sentence', (argv, sentence) => {
  let thrown: unknown;
  try {
    parseFlags(argv, {});
  } catch (error) {
    thrown = error;
  }
  expect(badFlag.is(thrown)).toBe(true);
  const { message } = thrown as Error;
  expect(message.startsWith(sentence)).toBe(true);
  expect(message).toMatch(/[^.]\. Run with --help to see what is accepted\.$/);
});
