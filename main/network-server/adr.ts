import type {
  ADRSettings_DynamicMode,
  MACSettings,
  MACState,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { DataRateIndex } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type Band, dataRate, demodulationFloorDb } from '../lorawan/index.ts';
import { current, desired, someChannelAllows } from './mac/index.ts';
import type { RecentUplink } from './session-cache.ts';

/** How the data rate of a device is chosen. */
export type AdrMode =
  | { readonly kind: 'disabled' }
  | {
      readonly kind: 'static';
      readonly dataRateIndex: number;
      readonly txPowerIndex: number;
      readonly nbTrans: number;
    }
  | {
      readonly kind: 'dynamic';
      readonly marginDb: number;
      readonly dataRates: Range;
      readonly txPowers: Range;
      readonly nbTrans: Range;
      /** Takes the place of `nbTrans` at its data rate. */
      readonly nbTransAt: ReadonlyMap<number, Range>;
      /** Devices are moved off channels wider than 125 kHz. */
      readonly steersToNarrow: boolean;
    };

interface Range {
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/** Uplinks after which the measured margin is trusted. */
const FULL_CONFIDENCE = 20;
const SAFETY_MARGIN_DB = 2.5;
const STEP_DB = 2.5;
export const DEFAULT_MARGIN_DB = 15;
const MAX_NB_TRANS = 3;
const MAX_DATA_RATE_INDEX = 15;
const UPLINKS_FOR_LOSS_RATE = 10;
const NARROW_HZ = 125_000;

type Overrides = ADRSettings_DynamicMode['overrides'];

function nbTransOverrides(overrides: Overrides): ReadonlyMap<number, Range> {
  const ranges = new Map<number, Range>();
  for (let index = 0; index <= MAX_DATA_RATE_INDEX; index += 1) {
    const given = overrides?.[`dataRate${index}` as 'dataRate0'];
    if (given) ranges.set(index, { min: given.minNbTrans, max: given.maxNbTrans });
  }
  return ranges;
}

/** Reads the settings, newest form first. */
export function adrMode(settings: MACSettings | undefined): AdrMode {
  const mode = settings?.adr?.mode;
  switch (mode?.case) {
    case 'disabled':
      return { kind: 'disabled' };
    case 'static': {
      const { dataRateIndex, txPowerIndex, nbTrans } = mode.value;
      return { kind: 'static', dataRateIndex, txPowerIndex, nbTrans };
    }
    case 'dynamic': {
      const value = mode.value;
      return {
        kind: 'dynamic',
        marginDb: value.margin ?? settings?.adrMargin ?? DEFAULT_MARGIN_DB,
        dataRates: { min: value.minDataRateIndex?.value, max: value.maxDataRateIndex?.value },
        txPowers: { min: value.minTxPowerIndex, max: value.maxTxPowerIndex },
        nbTrans: { min: value.minNbTrans, max: value.maxNbTrans },
        nbTransAt: nbTransOverrides(value.overrides),
        steersToNarrow: value.channelSteering?.mode.case === 'loraNarrow',
      };
    }
    default: {
      if (settings?.useAdr?.value === false) return { kind: 'disabled' };
      const open = { min: undefined, max: undefined };
      return {
        kind: 'dynamic',
        marginDb: settings?.adrMargin ?? DEFAULT_MARGIN_DB,
        dataRates: open,
        txPowers: open,
        nbTrans: open,
        nbTransAt: new Map(),
        steersToNarrow: false,
      };
    }
  }
}

/** Whether the network adapts the device's data rate and says so in its downlinks. */
export function usesAdr({ dynamicAdr }: Band, settings: MACSettings | undefined): boolean {
  const { kind } = adrMode(settings);
  return kind === 'static' || (kind === 'dynamic' && dynamicAdr);
}

type DynamicMode = Extract<AdrMode, { readonly kind: 'dynamic' }>;

interface AdrInput {
  /** Changed in place: the desired parameters. */
  readonly mac: MACState;
  readonly band: Band;
  readonly mode: AdrMode;
  /** Newest last. */
  readonly recent: readonly RecentUplink[];
}

/** The newest uplinks in a row at the present rate, since the last change. */
function usableUplinks({ mac, recent }: Pick<AdrInput, 'mac' | 'recent'>): readonly RecentUplink[] {
  const rate = current(mac).adrDataRateIndex;
  const start = recent.findLastIndex(
    (uplink) => uplink.dataRateIndex !== rate || uplink.fullFCnt < mac.lastAdrChangeFCntUp,
  );
  return recent.slice(start + 1);
}

function allowedRates({ mac, band, mode }: AdrInput): readonly number[] {
  if (mode.kind !== 'dynamic') return [];
  const channels = desired(mac).channels.filter((channel) => channel.enableUplink);
  const max = Math.min(mode.dataRates.max ?? MAX_DATA_RATE_INDEX, band.maxAdrDataRateIndex);
  const rates: number[] = [];
  for (let rate = mode.dataRates.min ?? 0; rate <= max; rate += 1) {
    const isRefused = mac.rejectedAdrDataRateIndexes.includes(rate as DataRateIndex);
    if (!isRefused && someChannelAllows(channels, rate)) rates.push(rate);
  }
  return rates;
}

function allowedPowers({ mac, band, mode }: AdrInput): readonly number[] {
  if (mode.kind !== 'dynamic') return [];
  const max = Math.min(mode.txPowers.max ?? band.maxTxPowerIndex, band.maxTxPowerIndex);
  const powers: number[] = [];
  for (let power = mode.txPowers.min ?? 0; power <= max; power += 1)
    if (!mac.rejectedAdrTxPowerIndexes.includes(power)) powers.push(power);
  return powers;
}

/** Decibels above what the present rate needs; undefined without a measurement. */
function linkMarginDb(
  { mac, band }: AdrInput,
  uplinks: readonly RecentUplink[],
  marginDb: number,
): number | undefined {
  const rate = dataRate(band, current(mac).adrDataRateIndex);
  const values = uplinks.flatMap(({ maxSnrDb }) => (maxSnrDb === undefined ? [] : [maxSnrDb]));
  if (!rate || values.length === 0) return undefined;
  if (rate.kind !== 'lora') return 0;
  const floorDb = demodulationFloorDb(rate.spreadingFactor, rate.bandwidthHz);
  if (floorDb === undefined) return undefined;
  const safetyDb = uplinks.length < FULL_CONFIDENCE ? SAFETY_MARGIN_DB : 0;
  return Math.max(...values) - floorDb - marginDb - safetyDb;
}

/** Share of uplinks that were lost between the first and the last of these. */
function lossRate(uplinks: readonly RecentUplink[]): number {
  let received = 0;
  let first: number | undefined;
  let last: number | undefined;
  for (const { fullFCnt } of uplinks) {
    if (last === undefined || first === undefined || fullFCnt < last) {
      first = fullFCnt;
      received = 0;
    }
    last = fullFCnt;
    received += 1;
  }
  if (received < 2 || first === undefined || last === undefined) return 0;
  const sent = last - first + 1;
  // Not 1 − received / sent: that misses the limits of the rules by a rounding error.
  return (sent - received) / sent;
}

/** Share of the latest uplinks at the present rate that were lost. */
export function packetErrorRate(mac: MACState, recent: readonly RecentUplink[]): number {
  return lossRate(usableUplinks({ mac, recent }));
}

function nbTrans(
  before: number,
  uplinks: readonly RecentUplink[],
  { min = 1, max = MAX_NB_TRANS }: { min?: number | undefined; max?: number | undefined },
): number {
  const clamp = (value: number): number => Math.min(Math.max(value, min), max);
  const start = clamp(Math.max(before, 1));
  if (uplinks.length < UPLINKS_FOR_LOSS_RATE) return start;
  const rate = lossRate(uplinks);
  if (rate < 0.05) return clamp(1 + Math.floor(start / 3));
  if (rate < 0.1) return start;
  if (rate < 0.3) return clamp(2 + Math.floor(start / 2));
  return clamp(MAX_NB_TRANS);
}

interface Choice {
  /** Undefined: the present rate stays. */
  readonly rate: number | undefined;
  readonly power: number;
  /** What is left for lowering the power. */
  readonly marginDb: number;
}

/** The floor of a LoRa data rate of the band that is 125 kHz wide, or wider. */
function loraFloorDb(band: Band, index: number, isNarrow: boolean): number | undefined {
  const rate = dataRate(band, index);
  if (rate?.kind !== 'lora' || (rate.bandwidthHz === NARROW_HZ) !== isNarrow) return undefined;
  return demodulationFloorDb(rate.spreadingFactor, rate.bandwidthHz);
}

/** Off a wide channel: the highest narrow rate at full power; undefined if there is nothing to steer. */
function steer(
  { mac, band, mode }: AdrInput,
  rates: readonly number[],
  marginDb: number,
): Choice | undefined {
  if (mode.kind !== 'dynamic' || !mode.steersToNarrow) return undefined;
  const wideFloorDb = loraFloorDb(band, current(mac).adrDataRateIndex, false);
  const rate = rates.findLast((one) => loraFloorDb(band, one, true) !== undefined);
  const narrowFloorDb = rate === undefined ? undefined : loraFloorDb(band, rate, true);
  if (wideFloorDb === undefined || narrowFloorDb === undefined) return undefined;
  return { rate, power: 0, marginDb: marginDb - (wideFloorDb - narrowFloorDb) };
}

/** The highest rate that the margin pays for, 2.5 dB a step; never a lower one. */
function raise({ mac }: AdrInput, rates: readonly number[], choice: Choice, payDb: number): Choice {
  const { adrDataRateIndex: now } = current(mac);
  const steps = Math.floor(Math.max((choice.marginDb - payDb) / STEP_DB, 0));
  const rate = rates.findLast((one) => one > now && one <= now + steps);
  if (rate === undefined) return choice;
  return { rate, power: 0, marginDb: choice.marginDb - STEP_DB * (rate - now) };
}

/** Desired rate, power and repetitions from what the uplinks tell. */
function adaptDynamically(input: AdrInput, mode: DynamicMode): void {
  const { mac, band } = input;
  const now = current(mac);
  const wanted = desired(mac);
  const uplinks = usableUplinks(input);
  const rates = allowedRates(input);
  const powers = allowedPowers(input);
  const minPower = powers[0];
  if (!band.dynamicAdr || uplinks.length === 0) return;
  if (minPower === undefined || rates.length === 0) return;
  const marginDb = linkMarginDb(input, uplinks, mode.marginDb);
  if (marginDb === undefined) return;
  const lossDb = (power: number): number =>
    (band.txOffsetsDb[0] ?? 0) - (band.txOffsetsDb[power] ?? 0);
  const present: Choice = { rate: undefined, power: now.adrTxPowerIndex, marginDb };
  const choice = steer(input, rates, marginDb) ?? raise(input, rates, present, lossDb(minPower));
  if (choice.rate !== undefined) wanted.adrDataRateIndex = choice.rate as DataRateIndex;
  const budgetDb = choice.marginDb + lossDb(choice.power);
  // Limits hold whatever the margin says.
  const power = Math.min(Math.max(choice.power, minPower), powers.at(-1) ?? minPower);
  const best = powers.findLast((one) => lossDb(one) <= budgetDb) ?? minPower;
  const raisesPowerABit =
    uplinks.length < FULL_CONFIDENCE && best < power && lossDb(power) - lossDb(best) <= STEP_DB;
  wanted.adrTxPowerIndex = raisesPowerABit ? power : best;
  const range = mode.nbTransAt.get(wanted.adrDataRateIndex) ?? mode.nbTrans;
  wanted.adrNbTrans = nbTrans(now.adrNbTrans, uplinks, range);
}

/** Sets the desired data rate, power and repetitions; the rate is only ever raised, except off wide channels. */
export function adaptDataRate(input: AdrInput): void {
  const { mac, mode } = input;
  const now = current(mac);
  const wanted = desired(mac);
  if (mode.kind === 'disabled') return;
  if (mode.kind === 'static') {
    wanted.adrDataRateIndex = mode.dataRateIndex as DataRateIndex;
    wanted.adrTxPowerIndex = mode.txPowerIndex;
    wanted.adrNbTrans = Math.max(mode.nbTrans, 1);
    return;
  }
  wanted.adrDataRateIndex = now.adrDataRateIndex;
  wanted.adrTxPowerIndex = now.adrTxPowerIndex;
  wanted.adrNbTrans = now.adrNbTrans;
  adaptDynamically(input, mode);
}
