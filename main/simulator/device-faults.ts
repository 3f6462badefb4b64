/** Mistakes a simulated device makes on demand. */
import { DEVICE_BAND_IDS, deviceRegion } from './device-region.ts';
import type { Random } from './seeded-random.ts';

/** A deliberate mistake: in one uplink, or from that uplink on. */
export type UplinkFault =
  | { readonly kind: 'bad_mic' }
  /** The last frame once more, byte for byte. */
  | { readonly kind: 'replay' }
  /** Leaves out this many counters. */
  | { readonly kind: 'skip_counters'; readonly count: number }
  /** Counters and settings are those the session began with, as in a device that keeps nothing over a loss of power. */
  | { readonly kind: 'reset_counters' }
  /** Transmits on a default channel and at a data rate of another band. */
  | { readonly kind: 'wrong_region'; readonly bandId: string }
  /** Puts a MAC command that nobody knows behind the others in FOpts. */
  | { readonly kind: 'unknown_mac_command'; readonly cid: number }
  /** Is deaf to the next downlinks, as many as `count`. */
  | { readonly kind: 'lose_downlinks'; readonly count: number }
  /** From now on misses each downlink with this probability; 0 ends it. */
  | { readonly kind: 'lose_downlinks_by_chance'; readonly probability: number }
  /** From now on its clock runs late (or, below 0, early) by so many millionths, and its windows with it. */
  | { readonly kind: 'clock_drift'; readonly ppm: number };

/** Why a fault cannot be had, in words. */
export function faultProblem(fault: UplinkFault): string | undefined {
  switch (fault.kind) {
    case 'bad_mic':
    case 'replay':
    case 'reset_counters':
      return undefined;
    case 'skip_counters':
    case 'lose_downlinks':
      return Number.isInteger(fault.count) && fault.count >= 0
        ? undefined
        : 'the count of a fault must be a whole number from 0 on.';
    case 'lose_downlinks_by_chance':
      return fault.probability >= 0 && fault.probability <= 1
        ? undefined
        : 'the probability of a fault must be between 0 and 1.';
    case 'clock_drift':
      return Number.isFinite(fault.ppm) ? undefined : 'a clock drifts by a number of millionths.';
    case 'wrong_region':
      return deviceRegion(fault.bandId)
        ? undefined
        : `a device can stray into ${DEVICE_BAND_IDS.join(', ')}, not into ${fault.bandId}.`;
    case 'unknown_mac_command':
      return Number.isInteger(fault.cid) && fault.cid >= 0 && fault.cid <= 0xff
        ? undefined
        : 'a MAC command has an identifier from 0 to 255.';
  }
}

/** What is wrong with a device for longer than one uplink. */
export class DeviceConditions {
  driftPpm = 0;
  readonly #random: Random;
  #lostDownlinks = 0;
  #lossProbability = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes a fault that lasts; others leave no trace here. */
  begin(fault: UplinkFault | undefined): void {
    switch (fault?.kind) {
      case 'lose_downlinks':
        this.#lostDownlinks = fault.count;
        return;
      case 'lose_downlinks_by_chance':
        this.#lossProbability = fault.probability;
        return;
      case 'clock_drift':
        this.driftPpm = fault.ppm;
        return;
      default:
    }
  }

  /** Whether the device fails to hear the downlink that just came. */
  losesDownlink(): boolean {
    if (this.#lostDownlinks > 0) {
      this.#lostDownlinks -= 1;
      return true;
    }
    return this.#lossProbability > 0 && this.#random() < this.#lossProbability;
  }
}
