import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalogue, CataloguePhase } from '../../api/gen/gatehouse/v1/catalogue_pb.js';
import { DeviceRepository } from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { ErrorDetailsSchema } from '../../api/gen/ttn/lorawan/v3/error_pb.js';
import { REPOSITORY } from '../../registry/catalogue/testing/catalogue-lab.ts';
import {
  ADMIN,
  type CatalogueCarriers,
  READER,
  startCatalogueCarriers,
} from '../testing/catalogue-carriers.ts';

let carriers: CatalogueCarriers;
beforeAll(async () => {
  carriers = await startCatalogueCarriers();
  await carriers.lab.import({ path: REPOSITORY });
});
afterAll(() => carriers.close());

const failure = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (thrown: unknown) => ConnectError.from(thrown),
  );
const versionIds = {
  brandId: 'acme-sensors',
  modelId: 'thermo',
  firmwareVersion: '1.0',
  bandId: 'EU_863_870',
};

describe.each(['Connect', 'gRPC', 'gRPC-Web', 'in memory'] as const)('over %s', (name) => {
  const client = () => createClient(DeviceRepository, carriers.transports[name]);
  const admin = () => createClient(Catalogue, carriers.transports[name]);

  test('brands and models are listed with their number, as far as the mask goes', async () => {
    let total: string | null = null;
    const onHeader = (headers: Headers): void => {
      total = headers.get('x-total-count');
    };
    const options = { headers: READER, onHeader };
    const request = { search: 'orchard', fieldMask: { paths: ['name'] } };
    const { brands } = await client().listBrands(request, options);
    expect(brands).toMatchObject([{ brandId: 'acme-sensors', name: 'Acme Sensors', website: '' }]);
    expect(total).toBe('1');
    const { models } = await client().listModels({ brandId: 'acme-sensors', limit: 1 }, options);
    expect(models).toMatchObject([{ brandId: 'acme-sensors', modelId: 'thermo', name: '' }]);
    expect(total).toBe('2');
  });

  test('template and formatter of a version', async () => {
    const { endDevice } = await client().getTemplate({ versionIds }, { headers: READER });
    expect(endDevice?.macSettings?.pingSlotFrequency?.value).toBe(869_525_000n);
    const decoder = await client().getUplinkDecoder({ versionIds }, { headers: READER });
    expect(decoder.formatterParameter).toContain('decodeUplink');
  });

  test('an unknown brand has the error of the API', async () => {
    const error = await failure(client().getBrand({ brandId: 'nobody' }, { headers: READER }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.findDetails(ErrorDetailsSchema)[0]).toMatchObject({
      namespace: 'pkg/devicerepository',
      name: 'brand_not_found',
      attributes: { brand_id: 'nobody' },
    });
  });

  test('a path outside of the mask is refused', async () => {
    const fieldMask = { paths: ['firmware_versions.version'] };
    const request = { brandId: 'acme-sensors', modelId: 'thermo', fieldMask };
    const error = await failure(client().getModel(request, { headers: READER }));
    expect(error.rawMessage).toContain('pkg/rpcmiddleware/validator:field_mask_paths');
  });

  test('reading needs credentials, importing an administrator', async () => {
    const anonymous = await failure(client().listBrands({}));
    expect(anonymous.code).toBe(Code.Unauthenticated);
    expect(anonymous.rawMessage).toContain('pkg/auth/rights:unauthenticated');
    const reader = await failure(admin().getStatus({}, { headers: READER }));
    expect(reader.code).toBe(Code.PermissionDenied);
  });

  test('an import tells its progress and ends with what is active', async () => {
    const request = { source: { case: 'path', value: REPOSITORY } } as const;
    const progress = [];
    for await (const one of admin().import(request, { headers: ADMIN })) progress.push(one);
    const last = progress.at(-1);
    expect(last).toMatchObject({ phase: CataloguePhase.DONE, brandsDone: 3, brandsTotal: 3 });
    expect(last?.version).toMatchObject({ active: true, builtIn: false, source: 'repository' });
    const { versions } = await admin().getStatus({}, { headers: ADMIN });
    expect(versions.filter(({ active }) => active).map(({ builtIn }) => builtIn)).toEqual([
      false,
      true,
    ]);
    const before = versions.find(({ active, builtIn }) => !active && !builtIn);
    const versionId = before?.id ?? 0n;
    const changed = await admin().activateVersion({ versionId }, { headers: ADMIN });
    expect(changed.versions.find(({ id }) => id === versionId)?.active).toBe(true);
    const left = await admin().deleteVersion({ versionId }, { headers: ADMIN });
    expect(left.versions.map(({ id }) => id)).not.toContain(versionId);
    await carriers.lab.import({ path: REPOSITORY });
  });

  test('an import of nothing fails with a sentence', async () => {
    const request = { source: { case: 'path', value: '/nowhere/at/all' } } as const;
    const reading = (async () => {
      for await (const one of admin().import(request, { headers: ADMIN })) if (!one) return;
    })();
    const error = await failure(reading);
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain('gatehouse/catalogue:source_unreadable');
  });
});

async function rest(path: string, headers: Record<string, string> = READER) {
  const response = await carriers.fetch(`/api/v3${path}`, { headers });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, json, total: response.headers.get('x-total-count') };
}

describe('over REST', () => {
  const version = 'brands/acme-sensors/models/thermo/1.0/EU_863_870';

  test.each(['', '/applications/shop'])('every binding below /dr%s answers', async (prefix) => {
    const paths = [
      '/brands?search=acme&order_by=-name',
      '/brands/acme-sensors?field_mask=name,logo',
      '/models?limit=1',
      '/brands/acme-sensors/models?field_mask=name',
      '/brands/acme-sensors/models/thermo?field_mask=key_provisioning,key_security,weight',
      `/${version}/template`,
      '/vendors/42/profiles/1/template',
      `/${version}/formatters/uplink/decoder?field_mask=examples`,
      `/${version}/formatters/downlink/encoder`,
      `/${version}/formatters/downlink/decoder`,
    ];
    const answers = await Promise.all(paths.map((path) => rest(`/dr${prefix}${path}`)));
    expect(answers.map(({ status }) => status)).toEqual([...Array(9).fill(200), 404]);
    expect(answers[9]?.json).toMatchObject({ code: 5, details: [{ name: 'no_decoder' }] });
    expect(answers[1]?.json).toEqual({
      brand_id: 'acme-sensors',
      name: 'Acme Sensors',
      logo: '/vendor/acme-sensors/logo.png',
    });
    expect(answers[2]?.total).toBe('7');
    expect(answers[4]?.json).toEqual({
      brand_id: 'acme-sensors',
      model_id: 'thermo',
      key_provisioning: ['custom', 'join server'],
      key_security: 'read protected',
      weight: 350,
    });
    expect(answers[5]?.json).toMatchObject({
      end_device: {
        lorawan_version: 'MAC_V1_0_3',
        lorawan_phy_version: 'PHY_V1_0_3_REV_A',
        mac_settings: { class_c_timeout: '20s', ping_slot_frequency: '869525000' },
      },
    });
    expect(answers[7]?.json).toMatchObject({
      formatter: 'FORMATTER_JAVASCRIPT',
      examples: [{ description: '21.5 degrees', input: { f_port: 1, frm_payload: 'ANc=' } }, {}],
    });
  });

  test('generic versions with a space in their name have an address', async () => {
    const { status, json } = await rest(
      '/dr/brands/generic/models/class-c/1.0.4%20RP002-1.0.3/AU_915_928/template',
    );
    expect(status).toBe(200);
    expect(json).toMatchObject({ end_device: { supports_class_c: true } });
  });

  test('limits of the API hold', async () => {
    const { status, json } = await rest('/dr/brands?limit=1001');
    expect([status, json.code]).toEqual([400, 3]);
    expect((await rest('/dr/brands?order_by=logo')).status).toBe(400);
    expect((await rest('/dr/vendors/0/profiles/1/template')).status).toBe(400);
    expect((await rest('/dr/brands', {})).status).toBe(401);
  });

  test('the report of an import is read in pages', async () => {
    const { json } = await rest('/gatehouse/catalogue', ADMIN);
    const [version] = (json as { versions: { id: string; counts: { problems: number } }[] })
      .versions;
    const page = await rest(
      `/gatehouse/catalogue/versions/${version?.id}/problems?limit=2&page=2`,
      ADMIN,
    );
    expect(page.total).toBe(String(version?.counts.problems));
    expect(page.json.problems).toMatchObject([
      { path: 'vendor/index.yaml', code: 'duplicate' },
      { path: 'vendor/index.yaml', code: 'id' },
    ]);
  });
});

describe('images', () => {
  const image = (path: string, init: RequestInit = {}) =>
    carriers.fetch(`/vendor/${path}`, { headers: READER, ...init });

  test('are served as what their bytes are, and as nothing else', async () => {
    const response = await image('acme-sensors/renamed.png');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/webp',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1', 8, 12)).toBe('WEBP');
    const etag = response.headers.get('etag') ?? '';
    const again = await image('acme-sensors/renamed.png', {
      headers: { ...READER, 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
  });

  test.each([
    ['what was refused', 'acme-sensors/photos/fake.png', 404],
    ['another brand', 'acme-sensors/..%2fmodule-maker/other.png', 404],
    ['a file of the computer', 'acme-sensors/..%2f..%2f..%2fetc%2fhostname', 404],
    ['a broken address', 'acme-sensors/%E0%A4%A', 404],
  ])('%s is not served', async (_, path, status) => {
    expect((await image(path)).status).toBe(status);
  });

  test('need credentials, and are only read', async () => {
    expect((await image('acme-sensors/logo.png', { headers: {} })).status).toBe(401);
    const bad = { authorization: 'Bearer NNSXS.ADMIN.WRONG' };
    expect((await image('acme-sensors/logo.png', { headers: bad })).status).toBe(401);
    expect((await image('acme-sensors/logo.png', { method: 'POST' })).status).toBe(405);
    const head = await image('acme-sensors/logo.png', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'image/png']);
  });
});
