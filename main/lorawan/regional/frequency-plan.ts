/** A channel a gateway listens on. */
export interface PlanChannel {
  readonly frequencyHz: number;
  readonly minDataRateIndex: number;
  readonly maxDataRateIndex: number;
  /** Radio of the concentrator that receives it. */
  readonly radio: number;
}

/** A channel of one data rate: the LoRa service or the FSK modem of a concentrator. */
export interface PlanSingleRateChannel {
  readonly frequencyHz: number;
  readonly dataRateIndex: number;
  readonly radio: number;
}

/** Settings of one radio of a concentrator. */
export interface PlanRadio {
  readonly enabled: boolean;
  readonly chipType: string;
  /** Center of what the radio receives. */
  readonly frequencyHz: number;
  readonly rssiOffsetDb: number;
  /** Present on the radio that transmits. */
  readonly tx?: { readonly minFrequencyHz: number; readonly maxFrequencyHz: number };
}

/** Concrete channels for gateways and devices within a band. */
export interface FrequencyPlan {
  readonly id: string;
  readonly bandId: string;
  readonly name: string;
  readonly baseFrequencyMhz: number;
  readonly uplinkChannels: readonly PlanChannel[];
  /** RX1 frequencies by uplink channel in bands with dynamic channels; empty where the band rules. */
  readonly downlinkChannels: readonly Omit<PlanChannel, 'radio'>[];
  readonly loraStandardChannel?: PlanSingleRateChannel;
  readonly fskChannel?: PlanSingleRateChannel;
  readonly radios: readonly PlanRadio[];
  /** Radio that provides the clock. */
  readonly clockSource: number;
  /** Data rate of RX2 where it differs from the band's. */
  readonly rx2DefaultDataRateIndex?: number;
  /** Frequency of RX2 where it differs from the band's. */
  readonly rx2DefaultFrequencyHz?: number;
  /** Whether transmissions are limited to `durationMs`; a direction is missing where the plan leaves it open. */
  readonly dwellTime?: {
    readonly uplinks?: boolean;
    readonly downlinks?: boolean;
    readonly durationMs?: number;
  };
  /** Limit below the band's. */
  readonly maxEirpDbm?: number;
  /** Limits that replace those of the band. */
  readonly subBands?: readonly PlanSubBand[];
  /** The gateway transmits only while the channel is quieter than the target. */
  readonly listenBeforeTalk?: {
    readonly rssiOffsetDb: number;
    readonly rssiTargetDbm: number;
    readonly scanTimeUs: number;
  };
}

/** Limits of a plan for a range of frequencies, ends included. */
export interface PlanSubBand {
  readonly minFrequencyHz: number;
  readonly maxFrequencyHz: number;
  /** No limit if missing. */
  readonly dutyCycle?: number;
  /** That of the band if missing. */
  readonly maxEirpDbm?: number;
}

/** Chip and offset of the RSSI reading of the reference concentrator designs: one for 400 to 510 MHz, one above. */
const LOW_DESIGN = { chipType: 'SX1255', rssiOffsetDb: -176 } as const;
const HIGH_DESIGN = { chipType: 'SX1257', rssiOffsetDb: -166 } as const;
const LOW_DESIGN_MAX_HZ = 510_000_000;

/** A radio of the reference concentrator design. */
export function planRadio(frequencyHz: number, tx?: PlanRadio['tx']): PlanRadio {
  const radio = {
    enabled: true,
    frequencyHz,
    ...(frequencyHz <= LOW_DESIGN_MAX_HZ ? LOW_DESIGN : HIGH_DESIGN),
  };
  return tx ? { ...radio, tx } : radio;
}

type PlanValues = Omit<
  FrequencyPlan,
  'uplinkChannels' | 'downlinkChannels' | 'radios' | 'clockSource'
>;

/** A plan in short: channels of the same data rates as rows, or what differs from an earlier plan. */
export type PlanRow = Partial<PlanValues> &
  Pick<FrequencyPlan, 'id' | 'name'> & {
    /** Id of a plan further up in the same list. */
    readonly basedOn?: string;
    readonly uplinks?: readonly (readonly [frequencyHz: number, radio: number])[];
    /** Data rates of all channels; 0 to 5 if missing. */
    readonly dataRates?: readonly [min: number, max: number];
    readonly downlinkFrequenciesHz?: readonly number[];
    /** Center frequency, and limits of the radio that transmits. */
    readonly radioRows?: readonly (
      | readonly [frequencyHz: number]
      | readonly [frequencyHz: number, minFrequencyHz: number, maxFrequencyHz: number]
    )[];
  };

function definePlan(row: PlanRow): FrequencyPlan {
  const { basedOn: _, uplinks, dataRates, downlinkFrequenciesHz, radioRows, ...values } = row;
  const [minDataRateIndex, maxDataRateIndex] = dataRates ?? [0, 5];
  const rates = { minDataRateIndex, maxDataRateIndex };
  return {
    bandId: '',
    baseFrequencyMhz: 0,
    ...values,
    uplinkChannels: (uplinks ?? []).map(([frequencyHz, radio]) => ({
      frequencyHz,
      ...rates,
      radio,
    })),
    downlinkChannels: (downlinkFrequenciesHz ?? []).map((frequencyHz) => ({
      frequencyHz,
      ...rates,
    })),
    radios: (radioRows ?? []).map(([frequencyHz, minFrequencyHz, maxFrequencyHz]) =>
      minFrequencyHz === undefined || maxFrequencyHz === undefined
        ? planRadio(frequencyHz)
        : planRadio(frequencyHz, { minFrequencyHz, maxFrequencyHz }),
    ),
    clockSource: radioRows ? 1 : 0,
  };
}

/** Plans from their rows. */
export function definePlans(rows: readonly PlanRow[]): readonly FrequencyPlan[] {
  return rows.map((row) => definePlan({ ...rows.find(({ id }) => id === row.basedOn), ...row }));
}
