/** Measures how much of the time the gateway and the devices of a simulated network are on the air. */
import { frequencyPlan, latestBand, subBandOfPlan } from '../../main/lorawan/index.ts';
import type { AirObserver, Emission, Position } from '../../main/simulator/index.ts';

/** Shares of time in one sub-band; each `busiestHour` is one of the hours counted from the start. */
export interface SubBandUse {
  readonly minFrequencyHz: number;
  readonly maxFrequencyHz: number;
  /** What the rules of the region allow; 1 without limit. */
  readonly limit: number;
  readonly gateway: number;
  readonly gatewayBusiestHour: number;
  /** Mean of all devices. */
  readonly devices: number;
  /** The most that one device used. */
  readonly deviceBusiestHour: number;
}

/** Air time by sub-band. */
export interface AirTime extends Required<AirObserver> {
  use(devices: number, durationMs: number): readonly SubBandUse[];
}

const HOUR_US = 3_600_000_000;

/** Air time of one transmitter in one sub-band. */
class Meter {
  totalUs = 0;
  busiestHourUs = 0;
  #hour = -1;
  #hourUs = 0;

  add({ startUs, endUs }: Emission): void {
    const hour = Math.floor(startUs / HOUR_US);
    this.#hourUs = (hour === this.#hour ? this.#hourUs : 0) + endUs - startUs;
    this.#hour = hour;
    this.totalUs += endUs - startUs;
    this.busiestHourUs = Math.max(this.busiestHourUs, this.#hourUs);
  }
}

interface SubBand {
  readonly limit: Pick<SubBandUse, 'minFrequencyHz' | 'maxFrequencyHz' | 'limit'>;
  readonly gateway: Meter;
  readonly devices: Map<Position, Meter>;
}

/** Creates the meters for the sub-bands of a frequency plan. */
export function createAirTime(planId: string): AirTime {
  const plan = frequencyPlan(planId);
  const band = plan && latestBand(plan.bandId);
  const subBands = new Map<string, SubBand>();

  const subBandOf = (frequencyHz: number): SubBand => {
    const found = band && subBandOfPlan(band, plan, frequencyHz);
    const { minFrequencyHz = 0, maxFrequencyHz = 0, dutyCycle = 1 } = found ?? {};
    const key = `${minFrequencyHz}`;
    const known = subBands.get(key);
    if (known) return known;
    const limit = { minFrequencyHz, maxFrequencyHz, limit: dutyCycle };
    const fresh = { limit, gateway: new Meter(), devices: new Map<Position, Meter>() };
    subBands.set(key, fresh);
    return fresh;
  };
  return {
    uplink(emission) {
      const { devices } = subBandOf(emission.frequencyHz);
      const meter = devices.get(emission.from) ?? new Meter();
      devices.set(emission.from, meter);
      meter.add(emission);
    },
    downlink: (emission) => subBandOf(emission.frequencyHz).gateway.add(emission),
    use: (count, durationMs) =>
      [...subBands.values()]
        .sort((left, right) => left.limit.minFrequencyHz - right.limit.minFrequencyHz)
        .map(({ limit, gateway, devices }) => {
          const meters = [...devices.values()];
          const sumUs = meters.reduce((sum, { totalUs }) => sum + totalUs, 0);
          return {
            ...limit,
            gateway: gateway.totalUs / (durationMs * 1000),
            gatewayBusiestHour: gateway.busiestHourUs / HOUR_US,
            devices: sumUs / count / (durationMs * 1000),
            deviceBusiestHour: Math.max(0, ...meters.map((one) => one.busiestHourUs)) / HOUR_US,
          };
        }),
  };
}
