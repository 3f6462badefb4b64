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
  readonly dwellTime?: {
    readonly uplinks: boolean;
    readonly downlinks: boolean;
    readonly durationMs: number;
  };
  /** Limit below the band's. */
  readonly maxEirpDbm?: number;
}

/** Offset of the RSSI reading of the reference concentrator design. */
const RSSI_OFFSET_DB = -166;

/** A radio of the reference concentrator design. */
export function planRadio(frequencyHz: number, tx?: PlanRadio['tx']): PlanRadio {
  const radio = {
    enabled: true,
    chipType: 'SX1257',
    frequencyHz,
    rssiOffsetDb: RSSI_OFFSET_DB,
  };
  return tx ? { ...radio, tx } : radio;
}
