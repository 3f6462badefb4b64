/** What a database fixture holds: made by `scripts/make-database-fixture.mjs`, read back by the test of old files. */
import type { SessionKeys } from './radio-fleet.ts';

/** All key material here is made up and protects nothing. */
export const FIXTURE = {
  application: 'archive',
  gatewayEui: 'AA555A0000000101',
  abp: {
    id: 'meter-1',
    keys: {
      devAddr: '02AB0001',
      nwkSKey: Buffer.from('000102030405060708090A0B0C0D0E0F', 'hex'),
      appSKey: Buffer.from('101112131415161718191A1B1C1D1E1F', 'hex'),
    } satisfies SessionKeys,
    /** Counter of the newest uplink. */
    lastFCntUp: 41,
    /** Sent in the only downlink so far, and still queued. */
    sent: 'first',
    queued: ['second', 'third'],
  },
  otaa: {
    id: 'meter-2',
    joinEui: '0000000000000001',
    devEui: '0004A30B001C0530',
    appKey: Buffer.from('202122232425262728292A2B2C2D2E2F', 'hex'),
    devNonce: 7,
  },
  neverJoined: { id: 'meter-3', devEui: '0004A30B001C0531' },
} as const;

type Json = Readonly<Record<string, unknown>>;
type Call = (method: string, path: string) => Promise<{ readonly json: Json }>;

interface FrameJson {
  readonly id: string;
  readonly direction: string;
  readonly time: string;
  readonly f_type: string;
  readonly phy_payload: string;
  readonly frm_payload?: string;
  readonly full_f_cnt?: number;
  readonly end_device_ids?: { readonly device_id: string };
  readonly receptions?: readonly unknown[];
  readonly verdict: { readonly outcome: string; readonly cause?: string };
}

/** What every later version has to find unchanged, as its API tells it. */
export async function fixtureContents(call: Call): Promise<unknown> {
  const base = `/applications/${FIXTURE.application}/devices`;
  const get = async (path: string): Promise<Json> => (await call('GET', path)).json;
  const device = async (id: string): Promise<unknown> => {
    const { ids, name } = await get(`${base}/${id}?field_mask=name`);
    const joins = id !== FIXTURE.abp.id;
    const js = joins
      ? await get(
          `/js${base}/${id}?field_mask=root_keys,last_dev_nonce,used_dev_nonces,last_join_nonce`,
        )
      : {};
    const ns = await get(
      `/ns${base}/${id}?field_mask=session,lorawan_version,frequency_plan_id,supports_join`,
    );
    const as = await get(`/as${base}/${id}?field_mask=session,formatters`);
    const queue = await get(`/as${base}/${id}/down`);
    const { root_keys, last_dev_nonce, used_dev_nonces, last_join_nonce } = js;
    const { session, lorawan_version, frequency_plan_id } = ns;
    return {
      ids,
      name,
      join: { root_keys, last_dev_nonce, used_dev_nonces, last_join_nonce },
      network: { session, lorawan_version, frequency_plan_id },
      application: { session: as.session, formatters: as.formatters },
      queue: queue.downlinks ?? [],
    };
  };
  const { frames = [] } = (await get('/gatehouse/frames?limit=1000')) as { frames?: FrameJson[] };
  const gateway = await get(`/gateways/eui-${FIXTURE.gatewayEui.toLowerCase()}`);
  const contents = {
    gateway: gateway.ids,
    devices: await Promise.all(
      [FIXTURE.abp.id, FIXTURE.otaa.id, FIXTURE.neverJoined.id].map(device),
    ),
    frames: frames.map(({ receptions, verdict, end_device_ids, ...frame }) => ({
      id: frame.id,
      direction: frame.direction,
      time: frame.time,
      f_type: frame.f_type,
      phy_payload: frame.phy_payload,
      frm_payload: frame.frm_payload,
      full_f_cnt: frame.full_f_cnt,
      device_id: end_device_ids?.device_id,
      receptions: receptions?.length ?? 0,
      outcome: verdict.outcome,
      cause: verdict.cause,
    })),
  };
  return JSON.parse(JSON.stringify(contents));
}
