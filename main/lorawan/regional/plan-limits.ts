import type { Band } from './band.ts';
import { subBandOfPlan } from './bands.ts';
import type { FrequencyPlan } from './frequency-plan.ts';
import { builtInPlans } from './frequency-plans.ts';
import type { DocumentReader, Fields } from './plan-fields.ts';

type Channel = FrequencyPlan['downlinkChannels'][number];
type Direction = 'up' | 'down' | 'any';

const MHZ = 1_000_000;

/** Whether the band has the data rate in that direction. */
function hasRate(regional: Band, index: number, direction: Direction): boolean {
  const row = regional.dataRates.get(index);
  return row !== undefined && (direction === 'any' || [direction, 'both'].includes(row.direction));
}

/** Whether any built-in plan of the band uses it: some use channels at which the band defines no limits. */
const isUsed = (bandId: string, frequencyHz: number): boolean =>
  builtInPlans().some(
    (plan) =>
      plan.bandId === bandId &&
      [...plan.uplinkChannels, plan.loraStandardChannel, plan.fskChannel].some(
        (channel) => channel?.frequencyHz === frequencyHz,
      ),
  );

function checkFrequency(
  reader: DocumentReader,
  field: string,
  { plan, regional }: Checked,
  frequencyHz: number,
): void {
  const step = regional.frequencyMultiplierHz;
  if (frequencyHz % step !== 0)
    reader.problem('out_of_band', field, `must be a multiple of ${step} Hz`);
  if (!subBandOfPlan(regional, plan, frequencyHz) && !isUsed(regional.id, frequencyHz))
    reader.problem(
      'out_of_band',
      field,
      `${frequencyHz / MHZ} MHz lies in no sub-band of ${regional.commonName}`,
    );
}

interface Checked {
  readonly plan: FrequencyPlan;
  readonly regional: Band;
}

function checkChannel(
  reader: DocumentReader,
  path: string,
  checked: Checked,
  channel: Channel,
  direction: Direction,
): void {
  const { regional } = checked;
  const { frequencyHz, minDataRateIndex, maxDataRateIndex } = channel;
  const isFixed = !regional.dynamicChannels && direction === 'up';
  if (isFixed && !regional.uplinkChannels.some((one) => one.frequencyHz === frequencyHz))
    reader.problem('out_of_band', `${path}.frequency`, `is no channel of ${regional.commonName}`);
  else checkFrequency(reader, `${path}.frequency`, checked, frequencyHz);
  if (minDataRateIndex > maxDataRateIndex)
    reader.problem('out_of_range', `${path}.min-data-rate`, 'is above max-data-rate');
  for (const [name, index] of [
    ['min-data-rate', minDataRateIndex],
    ['max-data-rate', maxDataRateIndex],
  ] as const)
    if (!hasRate(regional, index, direction))
      reader.problem(
        'out_of_band',
        `${path}.${name}`,
        `${index} is no data rate of ${regional.commonName}`,
      );
}

function checkChannels(reader: DocumentReader, fields: Fields, checked: Checked): void {
  const { plan, regional } = checked;
  const uplinks = fields.path('uplink-channels');
  if (plan.uplinkChannels.length === 0) reader.problem('missing', uplinks, 'is missing or empty');
  if (plan.uplinkChannels.length > regional.maxUplinkChannels)
    reader.problem('too_many', uplinks, `has more than ${regional.maxUplinkChannels} entries`);
  const seen = new Set<number>();
  for (const [index, channel] of plan.uplinkChannels.entries()) {
    const path = `${uplinks}[${index}]`;
    checkChannel(reader, path, checked, channel, 'up');
    if (seen.has(channel.frequencyHz))
      reader.problem('duplicate_field', `${path}.frequency`, 'is that of another channel');
    seen.add(channel.frequencyHz);
    if (plan.radios.length > 0 && !plan.radios[channel.radio])
      reader.problem('out_of_range', `${path}.radio`, `there is no radio ${channel.radio}`);
  }
  if (fields.has('downlink-channels'))
    for (const [index, channel] of plan.downlinkChannels.entries())
      checkChannel(
        reader,
        `${fields.path('downlink-channels')}[${index}]`,
        checked,
        channel,
        'any',
      );
}

function checkSingleRates(reader: DocumentReader, fields: Fields, checked: Checked): void {
  const { plan, regional } = checked;
  for (const [name, channel, kind] of [
    ['lora-standard-channel', plan.loraStandardChannel, 'lora'],
    ['fsk-channel', plan.fskChannel, 'fsk'],
  ] as const) {
    if (!channel || !fields.has(name)) continue;
    const path = fields.path(name);
    checkFrequency(reader, `${path}.frequency`, checked, channel.frequencyHz);
    if (regional.dataRates.get(channel.dataRateIndex)?.dataRate.kind !== kind)
      reader.problem(
        'out_of_band',
        `${path}.data-rate`,
        `${channel.dataRateIndex} is no ${kind === 'fsk' ? 'FSK' : 'LoRa'} data rate of ${regional.commonName}`,
      );
    if (plan.radios.length > 0 && !plan.radios[channel.radio])
      reader.problem('out_of_range', `${path}.radio`, `there is no radio ${channel.radio}`);
  }
}

/** Checks a plan against its band; what is wrong goes to the reader under the document's own field names. */
export function checkPlan(
  reader: DocumentReader,
  fields: Fields,
  plan: FrequencyPlan,
  regional: Band,
): void {
  const checked = { plan, regional };
  checkChannels(reader, fields, checked);
  checkSingleRates(reader, fields, checked);
  // Published plans name the second radio of a concentrator also where they use only the first.
  if (plan.clockSource > 1 && !plan.radios[plan.clockSource])
    reader.problem(
      'out_of_range',
      fields.path('clock-source'),
      `there is no radio ${plan.clockSource}`,
    );
  const { rx2DefaultDataRateIndex: rate, rx2DefaultFrequencyHz: rx2Hz } = plan;
  if (rate !== undefined && !hasRate(regional, rate, 'down'))
    reader.problem(
      'out_of_band',
      fields.path('rx2-default-data-rate'),
      `${rate} is no downlink data rate of ${regional.commonName}`,
    );
  if (rx2Hz !== undefined && fields.has('rx2-channel'))
    checkFrequency(reader, `${fields.path('rx2-channel')}.frequency`, checked, rx2Hz);
}
