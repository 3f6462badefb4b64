import { afterAll, describe, expect, it } from 'vitest';
import type {
  DecodeDownlinkResult,
  DecodeUplinkResult,
  EncodeDownlinkResult,
  JsonObject,
} from './formatter-result.ts';
import { realFormatterService } from './testing.ts';

const service = realFormatterService();
afterAll(() => service.close());

function decode(script: string, fPort = 3): Promise<DecodeUplinkResult> {
  return service.decodeUplink({ scope: 'garden', script, fPort, bytes: Uint8Array.of(1, 103, 0) });
}
function encode(
  script: string,
  fPort = 0,
  data: JsonObject = { level: 4 },
): Promise<EncodeDownlinkResult> {
  return service.encodeDownlink({ scope: 'garden', script, fPort, data });
}
function decodeDown(script: string): Promise<DecodeDownlinkResult> {
  return service.decodeDownlink({ scope: 'garden', script, fPort: 9, bytes: Uint8Array.of(5, 6) });
}
const returning = (expression: string): string =>
  `function decodeUplink(input) { return ${expression}; }`;

describe('decodeUplink', () => {
  it('gets bytes and port and gives data and warnings', async () => {
    const script = returning(
      `{ data: { bytes: input.bytes, port: input.fPort, array: Array.isArray(input.bytes), keys: Object.keys(input) }, warnings: ['low battery'] }`,
    );
    expect(await decode(script)).toEqual({
      ok: true,
      data: { bytes: [1, 103, 0], port: 3, array: true, keys: ['bytes', 'fPort'] },
      warnings: ['low battery'],
      normalized: [],
      normalizedWarnings: [],
    });
  });

  it('gets the time of reception as a date', async () => {
    const script = returning(
      `{ data: { at: input.recvTime, year: input.recvTime.getUTCFullYear(), date: input.recvTime instanceof Date } }`,
    );
    const receivedAtMs = Date.UTC(2031, 4, 4, 10, 20, 30, 400);
    const bytes = Uint8Array.of(1);
    expect(
      await service.decodeUplink({ scope: 'garden', script, fPort: 3, bytes, receivedAtMs }),
    ).toMatchObject({
      ok: true,
      data: { at: '2031-05-04T10:20:30.400Z', year: 2031, date: true },
    });
  });

  it('fails with all returned errors', async () => {
    expect(
      await decode(returning(`{ data: { a: NaN }, errors: ['too short', 'bad port'] }`)),
    ).toEqual({
      ok: false,
      code: 'output_errors',
      message: 'too short, bad port',
      errors: ['too short', 'bad port'],
    });
    expect(await decode(returning('{ data: {}, errors: [] }'))).toMatchObject({ ok: true });
  });

  it.each([
    ['undefined', 'no_script_output'],
    ['null', 'no_script_output'],
    ['4', 'output'],
    ['[{ data: {} }]', 'output'],
    ['{ data: 4 }', 'output'],
    ['{ data: [1] }', 'output'],
    [`{ data: {}, errors: 'text' }`, 'output'],
    ['{ data: {}, warnings: 4 }', 'output'],
    ['Promise.resolve({ data: {} })', 'output'],
    ['{ data: { a: [1, { b: NaN }] } }', 'output_encoding'],
    ['{ data: { a: Infinity } }', 'output_encoding'],
    ['{ data: { a: -Infinity } }', 'output_encoding'],
    ['{ data: { a: 1n } }', 'output_encoding'],
  ])('refuses %s as %s', async (expression, code) => {
    expect(await decode(returning(expression))).toMatchObject({ ok: false, code });
  });

  it('names the path of a value that JSON cannot hold', async () => {
    expect(await decode(returning('{ data: { a: [1, { b: NaN }] } }'))).toMatchObject({
      message: 'data.a[1].b is NaN, which JSON cannot hold.',
    });
  });

  it('refuses data that refers back to itself', async () => {
    const script =
      'function decodeUplink() { const data = {}; data.self = data; return { data }; }';
    expect(await decode(script)).toMatchObject({ ok: false, code: 'output_encoding' });
  });

  it('refuses a huge result', async () => {
    expect(await decode(returning(`{ data: { text: 'x'.repeat(100000) } }`))).toMatchObject({
      ok: false,
      code: 'output',
    });
  });

  it('gives values as JSON would', async () => {
    const script = returning(
      `{ data: { date: new Date(0), none: undefined, gap: [undefined, 1], typed: new Uint8Array(2), call() {} } }`,
    );
    expect(await decode(script)).toMatchObject({
      data: { date: '1970-01-01T00:00:00.000Z', gap: [null, 1], typed: [0, 0] },
    });
  });

  it('may return no data', async () => {
    expect(await decode(returning(`{ warnings: ['w'] }`))).toMatchObject({
      ok: true,
      data: undefined,
      warnings: ['w'],
    });
  });

  it('falls back to Decoder, and only if decodeUplink is not a function', async () => {
    const legacy = 'function Decoder(bytes, port) { return { sum: bytes[0] + port }; }';
    expect(await decode(legacy)).toMatchObject({ ok: true, data: { sum: 4 } });
    expect(await decode(`${legacy}\n${returning('{ data: { is: 1 } }')}`)).toMatchObject({
      data: { is: 1 },
    });
    expect(await decode('function Decoder() {}')).toMatchObject({ code: 'no_script_output' });
    expect(await decode('function Decoder() { return [1]; }')).toMatchObject({ code: 'output' });
    expect(await decode('var x = 1;')).toMatchObject({ code: 'entrypoint_not_found' });
  });

  it('finds functions however they are declared', async () => {
    const body = '(input) => ({ data: { n: input.fPort } })';
    for (const head of ['const', 'let', 'var', '']) {
      expect(await decode(`${head} decodeUplink = ${body};`)).toMatchObject({ data: { n: 3 } });
    }
  });

  it('refuses a script above the size limit, counted in bytes', async () => {
    const script = returning('{ data: {} }');
    const fill = (text: string): string => `${script}//${text}`;
    expect(await decode(fill('x'.repeat(40_960 - script.length - 2)))).toMatchObject({ ok: true });
    for (const text of ['x'.repeat(40_960), 'é'.repeat(20_480)]) {
      expect(await decode(fill(text))).toMatchObject({ code: 'formatter_script_too_large' });
    }
  });
});

describe('normalizeUplink', () => {
  const decoder = returning('{ data: { t: 21, raw: 1 } }');
  const normalizer = (expression: string): string =>
    `${decoder}\nfunction normalizeUplink(input) { return ${expression}; }`;

  it('turns decoded data into measurements', async () => {
    const script = normalizer(
      `{ data: [{ air: { temperature: input.data.t } }, { air: { temperature: -300 } }], warnings: ['old'] }`,
    );
    expect(await decode(script)).toMatchObject({
      ok: true,
      data: { t: 21, raw: 1 },
      warnings: [],
      normalized: [{ air: { temperature: 21 } }],
      normalizedWarnings: ['old', expect.stringMatching(/^measurement 2: air\.temperature/)],
    });
    expect(await decode(normalizer('{ data: { soil: { pH: 7 } } }'))).toMatchObject({
      normalized: [{ soil: { pH: 7 } }],
    });
  });

  it.each([
    [`{ data: { air: {} }, errors: ['no'] }`, 'output_errors'],
    ['{ data: { humidity: 4 } }', 'output'],
    ['{ data: [4] }', 'output'],
    ['{ data: { air: { temperature: NaN } } }', 'output_encoding'],
    ['nothing.here', 'script_error'],
  ])('fails the decode when it returns %s', async (expression, code) => {
    expect(await decode(normalizer(expression))).toMatchObject({ ok: false, code });
  });

  it('is not called after errors or without data', async () => {
    const boom = 'function normalizeUplink() { throw new Error("called"); }';
    expect(await decode(`${returning('{}')}\n${boom}`)).toMatchObject({ ok: true });
    expect(await decode(`${returning(`{ data: {}, errors: ['e'] }`)}\n${boom}`)).toMatchObject({
      code: 'output_errors',
    });
  });

  it('is replaced by a look at the decoded data where it is missing', async () => {
    expect(
      await decode(returning('{ data: { air: { temperature: 20, co2: -1 } } }')),
    ).toMatchObject({
      normalized: [{ air: { temperature: 20 } }],
      normalizedWarnings: [expect.stringContaining('air.co2')],
    });
    expect(await decode('function Decoder() { return { wind: { speed: 2 } }; }')).toMatchObject({
      normalized: [{ wind: { speed: 2 } }],
    });
    expect(await decode(decoder)).toMatchObject({ normalized: [], normalizedWarnings: [] });
  });
});

describe('encodeDownlink', () => {
  const script = (expression: string): string =>
    `function encodeDownlink(input) { return ${expression}; }`;

  it('gives bytes, and 1 as the port where none is set', async () => {
    const plain = script(`{ bytes: [input.data.level, 255, 1.9], warnings: ['w'] }`);
    expect(await encode(plain)).toEqual({
      ok: true,
      bytes: Uint8Array.of(4, 255, 1),
      fPort: 1,
      warnings: ['w'],
    });
    expect(await encode(plain, 12)).toMatchObject({ fPort: 12 });
    expect(await encode(script('{ bytes: [], fPort: input.fPort + 5 }'), 12)).toMatchObject({
      fPort: 17,
    });
    expect(await encode(script('{ bytes: new Uint8Array([9]) }'))).toMatchObject({
      bytes: Uint8Array.of(9),
    });
  });

  it.each([
    ['{ bytes: [256] }', 'output'],
    ['{ bytes: [-1] }', 'output'],
    [`{ bytes: ['1'] }`, 'output'],
    [`{ bytes: '0102' }`, 'output'],
    ['{ bytes: [NaN] }', 'output_encoding'],
    ['{ bytes: [1], fPort: 256 }', 'output'],
    [`{ bytes: [1], errors: ['no'] }`, 'output_errors'],
    ['null', 'no_script_output'],
  ])('refuses %s', async (expression, code) => {
    expect(await encode(script(expression))).toMatchObject({ ok: false, code });
  });

  it('falls back to Encoder and the port of the request', async () => {
    const legacy = 'function Encoder(data, port) { return [data.level, port]; }';
    expect(await encode(legacy, 12)).toMatchObject({ bytes: Uint8Array.of(4, 12), fPort: 12 });
    expect(await encode(legacy, 0)).toMatchObject({ fPort: 0 });
  });
});

describe('decodeDownlink', () => {
  it('gives data and has no legacy name', async () => {
    const script =
      'function decodeDownlink(i) { return { data: { n: i.bytes[1], port: i.fPort } }; }';
    expect(await decodeDown(script)).toEqual({ ok: true, data: { n: 6, port: 9 }, warnings: [] });
    expect(await decodeDown('function Decoder() { return {}; }')).toMatchObject({
      code: 'entrypoint_not_found',
    });
  });
});
