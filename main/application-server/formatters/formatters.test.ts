import { afterAll, describe, expect, it } from 'vitest';
import { createFormatters, type PayloadFormatter } from './formatters.ts';
import { realFormatterService } from './testing.ts';

const service = realFormatterService();
const formatters = createFormatters(service);
afterAll(() => service.close());

const SCRIPT = `function decodeUplink(i) { return { data: { up: i.bytes[0] } }; }
function encodeDownlink(i) { return { bytes: [i.data.value_1] }; }
function decodeDownlink(i) { return { data: { down: i.bytes[0] } }; }`;

async function each(formatter: PayloadFormatter, fPort = 2): Promise<readonly unknown[]> {
  const use = { scope: 'garden', formatter, fPort };
  const bytes = Uint8Array.of(1, 0x67, 0, 0xe6);
  return [
    await formatters.decodeUplink({ ...use, bytes, receivedAtMs: 0 }),
    await formatters.encodeDownlink({ ...use, data: { value_1: 1 } }),
    await formatters.decodeDownlink({ ...use, bytes: bytes.subarray(0, 3) }),
  ];
}

describe('a formatter of kind', () => {
  it('none does nothing', async () => {
    expect(await each({ kind: 'none' })).toEqual([undefined, undefined, undefined]);
  });

  it('javascript runs the script', async () => {
    expect(await each({ kind: 'javascript', script: SCRIPT })).toMatchObject([
      { data: { up: 1 } },
      { bytes: Uint8Array.of(1), fPort: 2 },
      { data: { down: 1 } },
    ]);
  });

  it('cayennelpp decodes and encodes, and is never normalized', async () => {
    expect(await each({ kind: 'cayennelpp' })).toMatchObject([
      { data: { temperature_1: 23 }, normalized: [] },
      { bytes: Uint8Array.of(1, 0, 100), fPort: 2 },
      { data: { value_1: 263.68 } },
    ]);
  });

  it.each([
    [{ kind: 'repository', hasVersion: true }, 'formatter_not_configured'],
    [{ kind: 'repository', hasVersion: false }, 'no_version_identifiers'],
    [{ kind: 'grpc_service' }, 'formatter_not_configured'],
  ] as const)('%j is not served and says why', async (formatter, code) => {
    for (const result of await each(formatter)) expect(result).toMatchObject({ ok: false, code });
  });

  it('any leaves an uplink on port 0 alone', async () => {
    for (const kind of ['cayennelpp', 'grpc_service'] as const) {
      expect((await each({ kind }, 0))[0]).toBeUndefined();
    }
    expect((await each({ kind: 'javascript', script: SCRIPT }, 0))[0]).toBeUndefined();
  });
});
