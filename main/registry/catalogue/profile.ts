import type { FieldReader } from './fields.ts';

/**
 * LoRaWAN profile of a device: what it can do, and the settings it starts with. Versions are as the repository writes
 * them; units are those of the names.
 */
export interface LorawanProfile {
  /** E.g. `1.0.3`. */
  readonly macVersion: string;
  /** E.g. `RP001-1.0.3-RevA`. */
  readonly regionalParametersVersion: string;
  readonly supportsJoin: boolean;
  readonly supportsClassB: boolean;
  readonly supportsClassC: boolean;
  readonly classBTimeoutS?: number;
  readonly classCTimeoutS?: number;
  readonly pingSlotPeriodS?: number;
  readonly pingSlotDataRateIndex?: number;
  /** 0: the band's frequency hopping. */
  readonly pingSlotFrequencyHz?: number;
  readonly rx1DelayS?: number;
  readonly rx1DataRateOffset?: number;
  readonly rx2DataRateIndex?: number;
  readonly rx2FrequencyHz?: number;
  readonly factoryPresetFrequenciesHz?: readonly number[];
  readonly maxEirpDbm?: number;
  /** Share of time, above 0 and at most 1. */
  readonly maxDutyCycle?: number;
  readonly supports32BitFCnt?: boolean;
}

/** A profile with the number its vendor gave it, if it has one. */
export interface NumberedProfile {
  readonly profile: LorawanProfile;
  readonly vendorProfileId: number;
}

const PING_SLOT_PERIODS_S = [1, 2, 4, 8, 16, 32, 64, 128];

/** Repositories write MHz. */
const hertz = (mhz: number): number => Math.round(mhz * 1_000_000);

function pingSlot(fields: FieldReader) {
  const period = fields.whole('pingSlotPeriod', 128);
  const mhz = fields.number('pingSlotFrequency', { min: 0, max: 10_000 });
  return {
    ...(period !== undefined &&
      PING_SLOT_PERIODS_S.includes(period) && { pingSlotPeriodS: period }),
    ...numbers({ pingSlotDataRateIndex: fields.whole('pingSlotDataRateIndex', 15) }),
    ...(mhz !== undefined && { pingSlotFrequencyHz: hertz(mhz) }),
  };
}

/** Those that are set. */
function numbers<Name extends string>(
  values: Record<Name, number | undefined>,
): Partial<Record<Name, number>> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Record<Name, number>>;
}

function presets(fields: FieldReader): readonly number[] {
  return fields
    .texts('factoryPresetFrequencies')
    .map((text) => hertz(Number(text)))
    .filter((frequency) => Number.isFinite(frequency) && frequency > 0)
    .slice(0, 96);
}

/** Reads a profile file. */
export function readProfile(fields: FieldReader): NumberedProfile {
  const rx2Mhz = fields.number('rx2Frequency', { min: 0, max: 10_000 });
  const dutyCycle = fields.number('maxDutyCycle', { min: 0, max: 1 });
  const factoryPresetFrequenciesHz = presets(fields);
  return {
    vendorProfileId: fields.whole('vendorProfileID', 0xffff) ?? 0,
    profile: {
      macVersion: fields.text('macVersion'),
      regionalParametersVersion: fields.text('regionalParametersVersion'),
      supportsJoin: fields.flag('supportsJoin') ?? false,
      supportsClassB: fields.flag('supportsClassB') ?? false,
      supportsClassC: fields.flag('supportsClassC') ?? false,
      ...pingSlot(fields),
      ...numbers({
        classBTimeoutS: fields.whole('classBTimeout'),
        classCTimeoutS: fields.whole('classCTimeout'),
        rx1DelayS: fields.whole('rx1Delay', 15),
        rx1DataRateOffset: fields.whole('rx1DataRateOffset', 7),
        rx2DataRateIndex: fields.whole('rx2DataRateIndex', 15),
        maxEirpDbm: fields.number('maxEIRP', { min: -50, max: 50 }),
      }),
      ...(rx2Mhz && { rx2FrequencyHz: hertz(rx2Mhz) }),
      ...(dutyCycle && { maxDutyCycle: dutyCycle }),
      ...(factoryPresetFrequenciesHz.length > 0 && { factoryPresetFrequenciesHz }),
      ...(fields.flag('supports32bitFCnt') && { supports32BitFCnt: true }),
    },
  };
}
