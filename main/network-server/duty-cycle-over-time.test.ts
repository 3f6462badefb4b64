import { expect, test } from 'vitest';
import { ABP_KEYS, uplink } from './testing/frames.ts';
import { abpDevice, createLab, handGateway, lora } from './testing/lab.ts';

const HOUR_MS = 3_600_000;
const RX1_HZ = 868_100_000;
const RX2_HZ = 869_525_000;

test('the duty cycle of a gateway counts the hour that passed, asleep or not, whatever the wall clock says', async () => {
  const near = handGateway('AA555A0000000001');
  const lab = await createLab({ gateways: [near] });
  const { clock } = lab;
  await lab.registry.registerEverywhere(abpDevice());
  let fCnt = 0;
  const answerFrequency = async (): Promise<number | undefined> => {
    const before = near.sent.length;
    const timestampUs = (clock.monotonic() * 1000) % 2 ** 32;
    near.hear(uplink(ABP_KEYS, fCnt, { confirmed: true }), { modulation: lora(12), timestampUs });
    fCnt += 1;
    await clock.advance(4_000);
    expect(near.sent.length).toBe(before + 1);
    return near.sent.at(-1)?.frequencyHz;
  };
  // 1 % of an hour (RP002-1.0.4 and ERC 70-03, band h1.4), of which an answer may use nine tenths.
  let inRx1 = 0;
  while ((await answerFrequency()) === RX1_HZ) inRx1 += 1;
  expect(inRx1).toBeGreaterThan(15);
  for (const jumpMs of [HOUR_MS, -2 * HOUR_MS]) {
    clock.jumpWallClock(jumpMs);
    expect(await answerFrequency()).toBe(RX2_HZ);
  }
  clock.suspend(HOUR_MS);
  expect(await answerFrequency()).toBe(RX1_HZ);
  await lab.close();
});
