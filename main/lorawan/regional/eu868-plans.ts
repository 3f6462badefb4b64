import { type FrequencyPlan, type PlanChannel, planRadio } from './frequency-plan.ts';

/** Center frequency of the five channels behind the default ones, and of the radio that hears them. */
const LOWER_RADIO_HZ = 867_500_000;
const UPPER_RADIO_HZ = 868_500_000;

function channel(frequencyHz: number, radio: number): PlanChannel {
  return { frequencyHz, minDataRateIndex: 0, maxDataRateIndex: 5, radio };
}

const UPLINK_CHANNELS: readonly PlanChannel[] = [
  ...[868_100_000, 868_300_000, 868_500_000].map((frequencyHz) => channel(frequencyHz, 1)),
  ...[867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000].map((frequencyHz) =>
    channel(frequencyHz, 0),
  ),
];

const EU_863_870: FrequencyPlan = {
  id: 'EU_863_870',
  bandId: 'EU_863_870',
  name: 'Europe 863-870 MHz (SF12 for RX2)',
  baseFrequencyMhz: 868,
  uplinkChannels: UPLINK_CHANNELS,
  downlinkChannels: UPLINK_CHANNELS.map(({ radio: _, ...rest }) => rest),
  loraStandardChannel: { frequencyHz: 868_300_000, dataRateIndex: 6, radio: 1 },
  fskChannel: { frequencyHz: 868_800_000, dataRateIndex: 7, radio: 1 },
  radios: [
    planRadio(LOWER_RADIO_HZ, { minFrequencyHz: 863_000_000, maxFrequencyHz: 870_000_000 }),
    planRadio(UPPER_RADIO_HZ),
  ],
  clockSource: 1,
};

/** Channels that networks which roam with each other do not share. */
const NOT_FOR_ROAMING_HZ = [867_500_000, 867_700_000];

function withChannels(
  id: string,
  name: string,
  uplinkChannels: readonly PlanChannel[],
): FrequencyPlan {
  const downlinkChannels = uplinkChannels.map(({ radio: _, ...rest }) => rest);
  return { ...EU_863_870, id, name, uplinkChannels, downlinkChannels };
}

/** Frequency plans of the band EU_863_870. */
export const EU868_PLANS: readonly FrequencyPlan[] = [
  EU_863_870,
  {
    ...EU_863_870,
    id: 'EU_863_870_TTN',
    name: 'Europe 863-870 MHz (SF9 for RX2 - recommended)',
    rx2DefaultDataRateIndex: 3,
  },
  withChannels(
    'EU_863_870_ROAMING_DRAFT',
    'Europe 863-870 MHz, 6 channels for roaming (Draft)',
    UPLINK_CHANNELS.filter(({ frequencyHz }) => !NOT_FOR_ROAMING_HZ.includes(frequencyHz)),
  ),
  withChannels('EU_868_1', 'Europe 868.1 MHz', UPLINK_CHANNELS.slice(0, 1)),
];
