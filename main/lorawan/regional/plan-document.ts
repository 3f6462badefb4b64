import type { Band } from './band.ts';
import { latestBand } from './bands.ts';
import {
  type FrequencyPlan,
  type PlanChannel,
  type PlanRadio,
  planRadio,
} from './frequency-plan.ts';
import {
  createDocumentReader,
  type DocumentReader,
  type Fields,
  type PlanProblem,
} from './plan-fields.ts';
import { checkPlan } from './plan-limits.ts';

/** A plan read from a document, or what is wrong with it. */
export type PlanReading =
  | { readonly ok: true; readonly plan: FrequencyPlan }
  | { readonly ok: false; readonly problems: readonly PlanProblem[] };

export interface PlanContext {
  /** Id of a plan that names none itself. */
  readonly fallbackId: string;
  /** Values that an index of plans gives; those of the document count more. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly findPlan: (id: string) => FrequencyPlan | undefined;
}

/** A frequency plan id as registries take it. */
export const PLAN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** One line of text. */
const TEXT = /^[^\p{C}]{1,200}$/u;
const ANY = /^[\s\S]{0,2000}$/;
const MAX_CHANNELS = 96;
const MAX_RADIOS = 8;
const MAX_SUB_BANDS = 32;
const FREQUENCY = { min: 1_000_000, max: 3_000_000_000, isInteger: true };
const DATA_RATE = { min: 0, max: 15, isInteger: true };
const RADIO = { min: 0, max: MAX_RADIOS - 1, isInteger: true };
const EIRP = { min: -40, max: 60 };
const RSSI = { min: -300, max: 300 };

/** Fields that other programs read and that change nothing here. */
const FOR_OTHERS = ['description', 'gateways', 'country-codes', 'file'];
const PLAN_FIELDS = [
  ...['id', 'name', 'base-id', 'band-id', 'base-frequency', 'uplink-channels', 'downlink-channels'],
  ...['lora-standard-channel', 'fsk-channel', 'radios', 'clock-source', 'rx2-channel', 'max-eirp'],
  ...['rx2-default-data-rate', 'dwell-time', 'sub-bands', 'listen-before-talk', ...FOR_OTHERS],
];

/** What a document says; what it leaves open is undefined. */
type Values = { -readonly [K in keyof FrequencyPlan]?: FrequencyPlan[K] | undefined };

function channelOf(reader: DocumentReader) {
  return (value: unknown, path: string): PlanChannel | undefined => {
    const fields = reader.object(value, path, [
      'frequency',
      'min-data-rate',
      'max-data-rate',
      'radio',
    ]);
    if (!fields) return undefined;
    const frequencyHz = reader.requiredNumber(fields, 'frequency', FREQUENCY);
    const minDataRateIndex = reader.number(fields, 'min-data-rate', DATA_RATE) ?? 0;
    const maxDataRateIndex = reader.requiredNumber(fields, 'max-data-rate', DATA_RATE);
    const radio = reader.number(fields, 'radio', RADIO) ?? 0;
    if (frequencyHz === undefined || maxDataRateIndex === undefined) return undefined;
    return { frequencyHz, minDataRateIndex, maxDataRateIndex, radio };
  };
}

function singleRate(reader: DocumentReader, plan: Fields, name: string) {
  if (!plan.has(name)) return undefined;
  const fields = reader.object(plan.value(name), plan.path(name), [
    'frequency',
    'data-rate',
    'radio',
  ]);
  if (!fields) return undefined;
  const frequencyHz = reader.requiredNumber(fields, 'frequency', FREQUENCY);
  const dataRateIndex = reader.requiredNumber(fields, 'data-rate', DATA_RATE);
  const radio = reader.number(fields, 'radio', RADIO) ?? 0;
  if (frequencyHz === undefined || dataRateIndex === undefined) return undefined;
  return { frequencyHz, dataRateIndex, radio };
}

function radioTx(reader: DocumentReader, radio: Fields): PlanRadio['tx'] {
  if (!radio.has('tx')) return undefined;
  const names = ['min-frequency', 'max-frequency', 'notch-frequency'];
  const fields = reader.object(radio.value('tx'), radio.path('tx'), names);
  if (!fields) return undefined;
  const minFrequencyHz = reader.requiredNumber(fields, 'min-frequency', FREQUENCY);
  const maxFrequencyHz = reader.requiredNumber(fields, 'max-frequency', FREQUENCY);
  if (minFrequencyHz === undefined || maxFrequencyHz === undefined) return undefined;
  if (minFrequencyHz > maxFrequencyHz)
    reader.problem('out_of_range', fields.path('min-frequency'), 'is above max-frequency');
  return { minFrequencyHz, maxFrequencyHz };
}

function radioOf(reader: DocumentReader) {
  return (value: unknown, path: string): PlanRadio | undefined => {
    const names = ['enable', 'chip-type', 'frequency', 'rssi-offset', 'tx'];
    const fields = reader.object(value, path, names);
    if (!fields) return undefined;
    const frequencyHz = reader.requiredNumber(fields, 'frequency', FREQUENCY);
    const tx = radioTx(reader, fields);
    const enabled = reader.flag(fields, 'enable') ?? true;
    const chipType = reader.text(fields, 'chip-type', /^[A-Za-z0-9_-]{1,20}$/);
    const rssiOffsetDb = reader.number(fields, 'rssi-offset', RSSI);
    if (frequencyHz === undefined) return undefined;
    return {
      ...planRadio(frequencyHz, tx),
      enabled,
      ...(chipType !== undefined && { chipType }),
      ...(rssiOffsetDb !== undefined && { rssiOffsetDb }),
    };
  };
}

function subBandOf(reader: DocumentReader) {
  return (value: unknown, path: string) => {
    const names = ['min-frequency', 'max-frequency', 'duty-cycle', 'max-eirp'];
    const fields = reader.object(value, path, names);
    if (!fields) return undefined;
    const minFrequencyHz = reader.requiredNumber(fields, 'min-frequency', FREQUENCY);
    const maxFrequencyHz = reader.requiredNumber(fields, 'max-frequency', FREQUENCY);
    const dutyCycle = reader.number(fields, 'duty-cycle', { min: 0, max: 1 });
    const maxEirpDbm = reader.number(fields, 'max-eirp', EIRP);
    if (minFrequencyHz === undefined || maxFrequencyHz === undefined) return undefined;
    if (minFrequencyHz > maxFrequencyHz)
      reader.problem('out_of_range', fields.path('min-frequency'), 'is above max-frequency');
    return {
      minFrequencyHz,
      maxFrequencyHz,
      ...(dutyCycle !== undefined && { dutyCycle }),
      ...(maxEirpDbm !== undefined && { maxEirpDbm }),
    };
  };
}

function dwellTimeOf(reader: DocumentReader, plan: Fields): FrequencyPlan['dwellTime'] {
  if (!plan.has('dwell-time')) return undefined;
  const names = ['uplinks', 'downlinks', 'duration'];
  const fields = reader.object(plan.value('dwell-time'), plan.path('dwell-time'), names);
  if (!fields) return undefined;
  const uplinks = reader.flag(fields, 'uplinks');
  const downlinks = reader.flag(fields, 'downlinks');
  const durationMs = reader.durationMs(fields, 'duration');
  return {
    ...(uplinks !== undefined && { uplinks }),
    ...(downlinks !== undefined && { downlinks }),
    ...(durationMs !== undefined && { durationMs }),
  };
}

function listenBeforeTalkOf(
  reader: DocumentReader,
  plan: Fields,
): FrequencyPlan['listenBeforeTalk'] {
  const name = 'listen-before-talk';
  if (!plan.has(name)) return undefined;
  const names = ['rssi-offset', 'rssi-target', 'scan-time'];
  const fields = reader.object(plan.value(name), plan.path(name), names);
  if (!fields) return undefined;
  const rssiTargetDbm = reader.requiredNumber(fields, 'rssi-target', RSSI);
  const rssiOffsetDb = reader.number(fields, 'rssi-offset', RSSI) ?? 0;
  const scanTimeMs = reader.durationMs(fields, 'scan-time');
  if (rssiTargetDbm === undefined) return undefined;
  return { rssiOffsetDb, rssiTargetDbm, scanTimeUs: Math.round((scanTimeMs ?? 0) * 1000) };
}

/** RX2 as a channel, or as a data rate alone. */
function rx2Of(reader: DocumentReader, plan: Fields): Values {
  const rate = reader.number(plan, 'rx2-default-data-rate', DATA_RATE);
  const name = 'rx2-channel';
  const fields = plan.has(name)
    ? reader.object(plan.value(name), plan.path(name), [
        'frequency',
        'min-data-rate',
        'max-data-rate',
        'radio',
      ])
    : undefined;
  const frequencyHz = fields && reader.requiredNumber(fields, 'frequency', FREQUENCY);
  return { rx2DefaultDataRateIndex: rate, rx2DefaultFrequencyHz: frequencyHz };
}

/** RX1 frequencies where the document gives none: those of its uplink channels, unless the band rules. */
function downlinkChannels(
  reader: DocumentReader,
  fields: Fields,
  uplinks: readonly PlanChannel[] | undefined,
  regional: Band,
): FrequencyPlan['downlinkChannels'] | undefined {
  const given = reader.list(fields, 'downlink-channels', MAX_CHANNELS, channelOf(reader));
  const source = given ?? (regional.dynamicChannels ? uplinks : undefined);
  return source?.map(({ radio: _, ...rest }) => rest);
}

function valuesOf(reader: DocumentReader, fields: Fields, regional: Band): Values {
  const uplinks = reader.list(fields, 'uplink-channels', MAX_CHANNELS, channelOf(reader));
  const radioLimits = { min: 0, max: MAX_RADIOS - 1, isInteger: true };
  return {
    name: reader.text(fields, 'name', TEXT),
    baseFrequencyMhz: reader.number(fields, 'base-frequency', {
      min: 1,
      max: 3000,
      isInteger: true,
    }),
    uplinkChannels: uplinks,
    downlinkChannels: downlinkChannels(reader, fields, uplinks, regional),
    loraStandardChannel: singleRate(reader, fields, 'lora-standard-channel'),
    fskChannel: singleRate(reader, fields, 'fsk-channel'),
    radios: reader.list(fields, 'radios', MAX_RADIOS, radioOf(reader)),
    clockSource: reader.number(fields, 'clock-source', radioLimits),
    dwellTime: dwellTimeOf(reader, fields),
    maxEirpDbm: reader.number(fields, 'max-eirp', EIRP),
    subBands: reader.list(fields, 'sub-bands', MAX_SUB_BANDS, subBandOf(reader)),
    listenBeforeTalk: listenBeforeTalkOf(reader, fields),
    ...rx2Of(reader, fields),
  };
}

function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The plan this one changes, and the band of both. */
function originOf(
  reader: DocumentReader,
  fields: Fields,
  context: PlanContext,
): { readonly base: FrequencyPlan | undefined; readonly regional: Band } | undefined {
  const baseId = reader.text(fields, 'base-id', PLAN_ID);
  const base = baseId === undefined ? undefined : context.findPlan(baseId);
  if (baseId !== undefined && !base)
    return reader.problem('unknown_base', fields.path('base-id'), `names no plan: ${baseId}`);
  const bandId = reader.text(fields, 'band-id', PLAN_ID) ?? base?.bandId;
  if (bandId === undefined) return reader.problem('missing', fields.path('band-id'), 'is missing');
  const regional = latestBand(bandId);
  if (!regional)
    return reader.problem('unknown_band', fields.path('band-id'), `names no band: ${bandId}`);
  if (base && base.bandId !== bandId)
    return reader.problem('unknown_base', fields.path('base-id'), `is of the band ${base.bandId}`);
  return { base, regional };
}

/**
 * Reads a frequency plan in the published form: names in lower case with hyphens (or with underscores, or in camel case),
 * frequencies in Hz. A field that is missing is that of the plan `base-id` names, and as the band has it without one.
 */
export function readPlanDocument(document: unknown, context: PlanContext): PlanReading {
  const reader = createDocumentReader();
  const merged =
    context.defaults && typeof document === 'object' && !Array.isArray(document)
      ? { ...context.defaults, ...document }
      : document;
  const fields = reader.object(merged, '', PLAN_FIELDS);
  if (!fields) return { ok: false, problems: reader.problems };
  reader.text(fields, 'description', ANY);
  const id = reader.text(fields, 'id', PLAN_ID) ?? context.fallbackId;
  if (!PLAN_ID.test(id)) reader.problem('missing', fields.path('id'), 'is missing');
  const origin = originOf(reader, fields, context);
  if (!origin) return { ok: false, problems: reader.problems };
  const { base, regional } = origin;
  const values = given(valuesOf(reader, fields, regional));
  const plan: FrequencyPlan = {
    ...(base ?? { uplinkChannels: [], downlinkChannels: [], radios: [], clockSource: 0 }),
    name: id,
    baseFrequencyMhz:
      base?.baseFrequencyMhz ?? Math.floor((values.uplinkChannels?.[0]?.frequencyHz ?? 0) / 1e6),
    ...values,
    id,
    bandId: regional.id,
  };
  checkPlan(reader, fields, plan, regional);
  return reader.problems.length === 0
    ? { ok: true, plan }
    : { ok: false, problems: reader.problems };
}
