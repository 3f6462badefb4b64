import { create } from '@bufbuild/protobuf';
import { afterAll, describe, expect, it } from 'vitest';
import { EndDeviceVersionIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { noDecoder } from '../../registry/catalogue/errors.ts';
import { MAX_SCRIPT_BYTES } from './formatter-service.ts';
import { createFormatters, type PayloadFormatter } from './formatters.ts';
import { realFormatterService } from './testing.ts';

const service = realFormatterService();
const formatters = createFormatters(service, async (kind, versionIds) => {
  if (versionIds?.modelId === 'long') return `${SCRIPT}// ${'x'.repeat(MAX_SCRIPT_BYTES)}`;
  if (kind === 'downlink_decoder') throw noDecoder();
  return versionIds?.modelId === 'valve' ? SCRIPT : '';
});
const model = (modelId: string) =>
  create(EndDeviceVersionIdentifiersSchema, { brandId: 'water', modelId });
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

  it('repository runs the script of the catalogue, and says what the catalogue lacks', async () => {
    expect(await each({ kind: 'repository', versionIds: model('valve') })).toMatchObject([
      { data: { up: 1 } },
      { bytes: Uint8Array.of(1), fPort: 2 },
      { ok: false, code: 'entrypoint_not_found', cause: { code: noDecoder().code } },
    ]);
  });

  it('repository takes scripts that are longer than users may write them', async () => {
    expect((await each({ kind: 'repository', versionIds: model('long') }))[0]).toMatchObject({
      data: { up: 1 },
    });
    const script = `${SCRIPT}// ${'x'.repeat(MAX_SCRIPT_BYTES)}`;
    expect((await each({ kind: 'javascript', script }))[0]).toMatchObject({
      code: 'formatter_script_too_large',
    });
  });

  it('grpc_service says that it is not offered', async () => {
    for (const result of await each({ kind: 'grpc_service' })) {
      expect(result).toMatchObject({ ok: false, code: 'formatter_not_configured' });
    }
  });

  it('any leaves an uplink on port 0 alone', async () => {
    expect((await each({ kind: 'cayennelpp' }, 0))[0]).toBeUndefined();
    expect((await each({ kind: 'repository', versionIds: model('valve') }, 0))[0]).toBeUndefined();
    expect((await each({ kind: 'javascript', script: SCRIPT }, 0))[0]).toBeUndefined();
  });
});
