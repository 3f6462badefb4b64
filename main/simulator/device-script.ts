import type { UplinkOrder } from './device-uplink.ts';

/** Uplinks of a script: what is given in place of what the device would send by itself. */
export interface ScriptStep extends UplinkOrder {
  /** So many uplinks are made of this step. Default 1. */
  readonly uplinks?: number;
}

/** What a device sends at its interval, one step after another; afterwards what it usually sends. */
export interface DeviceScript {
  readonly steps: readonly ScriptStep[];
  /** Begins again after the last step. */
  readonly repeat?: boolean;
}

/** Where a device stands in its script. It is not kept over a loss of power: the script begins anew. */
export class ScriptReader {
  readonly #script: DeviceScript | undefined;
  #step = 0;
  #uplinks = 0;

  constructor(script: DeviceScript | undefined) {
    this.#script = script;
  }

  /** The next uplink; undefined when there is no script or it is over. */
  next(): UplinkOrder | undefined {
    const steps = this.#script?.steps ?? [];
    if (this.#step >= steps.length && this.#script?.repeat) this.#step = 0;
    const step = steps[this.#step];
    if (!step) return undefined;
    const { uplinks = 1, ...order } = step;
    this.#uplinks += 1;
    if (this.#uplinks >= uplinks) {
      this.#step += 1;
      this.#uplinks = 0;
    }
    return order;
  }
}
