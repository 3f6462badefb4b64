import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MACSettingsSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { AggregatedDutyCycle } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { ABP_KEYS, encryptedDownlink, readDownlink, uplink } from './testing/frames.ts';
import { abpDevice, createLab, type HandGateway, handGateway, type Lab } from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const HOUR_MS = 3_600_000;

let lab: Lab;
let near: HandGateway;
let fCnt: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  fCnt = 0;
});
afterEach(() => lab.close());

type Settings = NonNullable<Parameters<typeof abpDevice>[1]>;

async function register(settings: Settings): Promise<void> {
  await lab.registry.registerEverywhere(abpDevice({}, settings));
}

/** The device sends; answers the MAC commands it got, and whether the ADR bit was set. */
async function hear(fOpts = ''): Promise<{ fOpts: string; adr: boolean } | undefined> {
  const before = near.sent.length;
  const frame = uplink(ABP_KEYS, fCnt, { fOpts, confirmed: true, fCtrl: { ADR: true } });
  near.hear(frame, { timestampUs: (fCnt * 9_000_000) % 2 ** 32 });
  fCnt += 1;
  await lab.clock.advance(5_000);
  const down = near.sent[before]?.phyPayload;
  return down && { fOpts: readDownlink(down, ABP_KEYS).fOpts, adr: ((down[5] ?? 0) & 0x80) !== 0 };
}

/** For classes and roles that are not served. */
const NOT_USED = ['class_b_timeout', 'relay', 'desired_relay'];

test('every setting of the contract is read somewhere, but for those of class B and relays', () => {
  const sources = ['./', './mac/'].flatMap((folder) =>
    readdirSync(new URL(folder, import.meta.url))
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      // Only tells readers what is there without settings.
      .filter((name) => name !== 'default-mac-settings.ts')
      .map((name) => readFileSync(new URL(`${folder}${name}`, import.meta.url), 'utf8')),
  );
  const unread = MACSettingsSchema.fields.filter(
    ({ localName }) => !sources.some((text) => new RegExp(`\\b${localName}\\b`).test(text)),
  );
  expect(unread.map(({ name }) => name)).toEqual(NOT_USED);
});

// LoRaWAN 1.0.3 §5.5: DevStatusReq is 06.
test('status_count_periodicity: the status is asked for after so many uplinks', async () => {
  await register({ statusCountPeriodicity: 3 });
  const asked: string[] = [];
  for (const answer of ['', '06FF0A', '', '', '']) asked.push((await hear(answer))?.fOpts ?? '');
  expect(asked).toEqual(['06', '', '', '', '06']);
});

test('status_time_periodicity: the status is asked for after that time', async () => {
  await register({ statusCountPeriodicity: 0, statusTimePeriodicity: { seconds: 7_200n } });
  expect((await hear())?.fOpts).toBe('06');
  expect((await hear('06FF0A'))?.fOpts).toBe('');
  await lab.clock.advance(HOUR_MS);
  expect((await hear())?.fOpts).toBe('');
  await lab.clock.advance(HOUR_MS);
  expect((await hear())?.fOpts).toBe('06');
});

test('both periods of zero switch the status off', async () => {
  await register({ statusCountPeriodicity: 0, statusTimePeriodicity: { seconds: 0n } });
  expect((await hear())?.fOpts).toBe('');
});

// LoRaWAN 1.0.3 §5.3: DutyCycleReq 04, 1/2^n.
test('max_duty_cycle and desired_max_duty_cycle: the difference is asked for, once', async () => {
  await register({
    maxDutyCycle: { value: AggregatedDutyCycle.DUTY_CYCLE_2 },
    desiredMaxDutyCycle: { value: AggregatedDutyCycle.DUTY_CYCLE_16 },
  });
  expect((await hear())?.fOpts).toBe('0404');
  expect((await hear('04'))?.fOpts).toBe('');
});

test.each<[string, Settings, boolean, string]>([
  // 7 − (−7.5) − 15 − 2.5 dB are not enough for anything.
  ['use_adr alone', { useAdr: { value: true } }, true, ''],
  ['no use_adr', { useAdr: { value: false } }, false, ''],
  // 7 − (−7.5) − 2 − 2.5 = 10 dB pay for five power steps of 2 dB at DR5: DR5, TXPower 5, eight channels, once each.
  ['adr_margin', { useAdr: { value: true }, adrMargin: 2 }, true, '0355ff0001'],
  [
    'the margin of adr',
    { adr: { mode: { case: 'dynamic', value: { margin: 2 } } } },
    true,
    '0355ff0001',
  ],
])('%s decides about data rates', async (_, settings, adr, fOpts) => {
  const device = abpDevice({}, settings);
  if (device.macSettings && settings.adr === undefined) delete device.macSettings.adr;
  await lab.registry.registerEverywhere(device);
  // The first uplink shows the data rate.
  expect(await hear()).toEqual({ fOpts, adr });
});

test('class_b_c_downlink_interval: class C downlinks keep that distance', async () => {
  const settings = { classBCDownlinkInterval: { seconds: 30n } };
  await lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }, settings));
  await hear();
  near.sent.length = 0;
  const items = [1, 2].map((counter) =>
    encryptedDownlink(ABP_KEYS, counter, 'c0ffee', new Uint8Array()),
  );
  await Promise.all([lab.network.downlinkQueue.push(REF, items), lab.clock.advance(27_000)]);
  expect(near.sent).toHaveLength(1);
  await lab.clock.advance(30_000);
  expect(near.sent).toHaveLength(2);
});
