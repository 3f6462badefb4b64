import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { Modulation } from '../base/gateway-link.ts';
import {
  APP_KEY,
  hex,
  JOIN_EUI,
  joinRequest,
  openJoin,
  readDownlink,
  uplink,
} from './testing/frames.ts';
import { createLab, handGateway, type Lab, otaaDevice } from './testing/lab.ts';

/** The numbers of a band that a receive window depends on, as published. */
interface Published {
  readonly versions: readonly string[];
  readonly uplinkChannels: readonly (readonly [
    index: number,
    hz: number,
    min: number,
    max: number,
    count: number,
    step: number,
  ])[];
  readonly downlinkChannels: Published['uplinkChannels'];
  readonly dataRates: Readonly<
    Record<string, readonly [readonly (string | number)[], ...unknown[]]>
  >;
  readonly rx1DataRates: Readonly<Record<string, readonly number[]>>;
  readonly rx1Modulo: number | null;
  readonly rx2: readonly [dataRate: number, hz: number];
  readonly bootDwellTime: { readonly downlink: boolean | null };
}

/** Bands for which there is a frequency plan, with the plan a user would take. */
const PLANS: Readonly<Record<string, string>> = {
  EU_863_870: 'EU_863_870_TTN',
  US_902_928: 'US_902_928_FSB_1',
  AU_915_928: 'AU_915_928_FSB_1',
  AS_923: 'AS_923_NDT',
  AS_923_2: 'AS_923_2_NDT',
  AS_923_3: 'AS_923_3_NDT',
  AS_923_4: 'AS_923_4_NDT',
  CN_470_510: 'CN_470_510_FSB_1',
  EU_433: 'EU_433',
  IN_865_867: 'IN_865_867',
  KR_920_923: 'KR_920_923_TTN',
  RU_864_870: 'RU_864_870_TTN',
  MA_869_870_DRAFT: 'MA_869_870_DRAFT',
  ISM_2400: 'ISM_2400_3CH_DRAFT2',
};

function macVersionFor(phyVersion: string): MACVersion {
  if (phyVersion === 'PHY_V1_0') return MACVersion.MAC_V1_0;
  if (phyVersion === 'PHY_V1_0_1') return MACVersion.MAC_V1_0_1;
  if (phyVersion.startsWith('PHY_V1_0_2')) return MACVersion.MAC_V1_0_2;
  return phyVersion.startsWith('RP002') ? MACVersion.MAC_V1_0_4 : MACVersion.MAC_V1_0_3;
}

const folder = new URL('../lorawan/testdata/bands/', import.meta.url);
const cases = readdirSync(folder).flatMap((name) => {
  const file = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
    readonly band: string;
    readonly groups: readonly Published[];
  };
  const planId = PLANS[file.band];
  if (planId === undefined) return [];
  return file.groups.flatMap((numbers) =>
    numbers.versions.map((version) => ({ band: file.band, planId, version, numbers })),
  );
});

function modulationOf(numbers: Published, index: number): Modulation {
  const [kind, spreadingFactor, bandwidthHz, codingRate] = numbers.dataRates[index]?.[0] ?? [];
  if (kind !== 'lora') throw new Error(`data rate ${index} is not LoRa`);
  return {
    kind,
    spreadingFactor: Number(spreadingFactor),
    bandwidthHz: Number(bandwidthHz),
    codingRate: String(codingRate),
  };
}

function frequencyOf(rows: Published['uplinkChannels'], index: number): number {
  const row = rows.find(([first, , , , count]) => first <= index && index < first + count);
  if (!row) throw new Error(`no channel ${index}`);
  return row[1] + (index - row[0]) * row[5];
}

/** The second channel of the band, at a data rate that carries a join also under a dwell time limit. */
const CHANNEL = 1;
const DATA_RATE = 3;
const OTHER_DEV_EUI = '0004A30B001C0531';

let lab: Lab;
afterEach(() => lab.close());

test.each(cases)('$band in $version: join, uplink, and downlinks in RX1 and RX2', async (given) => {
  const { numbers } = given;
  const near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near], frequencyPlanId: given.planId });
  const versions = {
    frequencyPlanId: given.planId,
    lorawanVersion: macVersionFor(given.version),
    lorawanPhyVersion: PHYVersion[given.version as keyof typeof PHYVersion],
  };
  await lab.registry.registerEverywhere(otaaDevice(versions));
  const applicationIds = { applicationId: 'shop' };
  const ids = {
    deviceId: 'door-8',
    applicationIds,
    devEui: hex(OTHER_DEV_EUI),
    joinEui: hex(JOIN_EUI),
  };
  await lab.registry.registerEverywhere(otaaDevice({ ...versions, ids }));
  const place = {
    frequencyHz: frequencyOf(numbers.uplinkChannels, CHANNEL),
    modulation: modulationOf(numbers, DATA_RATE),
  };
  const rx1 = {
    frequencyHz: frequencyOf(
      numbers.downlinkChannels,
      numbers.rx1Modulo ? CHANNEL % numbers.rx1Modulo : CHANNEL,
    ),
    modulation: modulationOf(numbers, numbers.rx1DataRates[DATA_RATE]?.[0] ?? -1),
  };
  const rx2 = {
    frequencyHz: numbers.rx2[1],
    modulation: modulationOf(numbers, numbers.rx2[0]),
  };

  // Both are due at the same moment, so the second has to take RX2.
  near.hear(joinRequest(7), { ...place, timestampUs: 10_000_000 });
  near.hear(joinRequest(8, APP_KEY, { devEui: OTHER_DEV_EUI }), {
    ...place,
    timestampUs: 10_000_000,
  });
  await lab.clock.advance(7_000);
  const at = (concentratorTimestampUs: number) => ({
    time: { kind: 'timestamp', concentratorTimestampUs },
  });
  const [inRx1, ...inRx2] = near.sent.splice(0);
  expect(inRx1).toMatchObject({ ...rx1, ...at(15_000_000) });
  // A join-accept with CFList has 33 bytes: more than RX2 may carry where devices start with the dwell time limit.
  const expectedInRx2 =
    numbers.bootDwellTime.downlink === true ? [] : [{ ...rx2, ...at(16_000_000) }];
  expect(inRx2).toMatchObject(expectedInRx2);
  const session = openJoin(inRx1?.phyPayload ?? new Uint8Array(), 7);

  near.hear(uplink(session, 0, { confirmed: true }), { ...place, timestampUs: 20_000_000 });
  await lab.clock.advance(5_000);
  expect(lab.application.uplinks).toHaveLength(1);
  expect(near.sent[0]).toMatchObject({ ...rx1, ...at(21_000_000) });
  const answer = near.sent[0]?.phyPayload ?? new Uint8Array();
  expect(readDownlink(answer, session)).toMatchObject({ ack: true, micValid: true });
});
