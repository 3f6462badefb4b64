/**
 * The medium between simulated devices and gateways. Times on air are nominal microseconds of the monotonic clock, so
 * that receive windows stay exact although timers of a busy computer fire late.
 */
import type { Clock } from '../base/clock.ts';
import type { Modulation } from '../base/gateway-link.ts';
import { type Random, randomNormal, seededRandom } from './seeded-random.ts';

export interface Position {
  readonly xM: number;
  readonly yM: number;
}

/** One emission, by a device or by a gateway. */
export interface Emission {
  readonly phyPayload: Uint8Array;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  readonly invertPolarization: boolean;
  readonly startUs: number;
  readonly endUs: number;
  readonly eirpDbm: number;
  readonly from: Position;
}

/** Somewhere that listens; the object itself stands for the place when fading is drawn. */
export interface Place {
  readonly position: Position;
}

/** How one listener hears an emission. */
export interface Signal {
  readonly emission: Emission;
  readonly rssiDbm: number;
  readonly snrDb: number;
}

/**
 * What became of an uplink at a gateway. `not_listening`: it does not listen on that frequency; `gateway_transmitting`: it
 * hears nothing meanwhile. With several gateways the fate is the one furthest to the right, with none `not_listening`.
 */
export const UPLINK_FATES = [
  'not_listening',
  'too_weak',
  'collision',
  'gateway_transmitting',
  'heard',
] as const;
export type UplinkFate = (typeof UPLINK_FATES)[number];

/** A gateway's receiver. */
export interface AirListener {
  readonly position: Position;
  /** An uplink ended and could be demodulated here; answers whether the gateway took it. */
  hear(signal: Signal): Exclude<UplinkFate, 'too_weak' | 'collision'>;
}

/** Somebody who knows everything that is on the air, as no one in reality does. */
export interface AirObserver {
  /** An uplink is over. `from` is the sender's own position object. */
  uplink?(emission: Emission, fate: UplinkFate): void;
  /** A downlink was put on the air. */
  downlink?(emission: Emission): void;
}

/** A device's receive window. */
export interface ReceiveWindow {
  readonly opensUs: number;
  readonly closesUs: number;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  readonly position: Position;
}

/** A channel that is listened to for a while. */
export interface Scan {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly frequencyHz: number;
  readonly position: Position;
}

export interface Air {
  /** Present time on air in microseconds. */
  nowUs(): number;
  attach(listener: AirListener): () => void;
  /** Puts an uplink on the air; the gateways that can demodulate it hear it at its end. */
  sendUplink(emission: Emission): void;
  /** Puts a downlink on the air (its start may lie ahead). */
  sendDownlink(emission: Emission): void;
  /** The downlink a device catches in a window, asked when the window has closed. */
  receive(window: ReceiveWindow): Signal | undefined;
  /** The loudest there was on a channel, `own` not counted; asked when the scan is over. Noise at least. */
  levelDbm(scan: Scan, own: Emission): number;
  /** Tells a device that listens all the time of each downlink as it is put on the air. */
  onDownlink(announce: (emission: Emission) => void): () => void;
  /** How a downlink is heard by a device that listened to all of it; undefined if it could not be demodulated. */
  hearing(emission: Emission, place: Place): Signal | undefined;
}

export interface AirOptions {
  readonly clock: Clock;
  readonly random?: Random;
  /** Whether overlapping frames of the same channel and spreading factor destroy each other. Default true. */
  readonly collisions?: boolean;
  /** Standard deviation of fading in dB. Default 3; 0 makes distance alone decide. */
  readonly fadingDb?: number;
  readonly observer?: AirObserver;
}

/** Emissions are kept this long after their end, longer than any frame lasts. */
const MEMORY_US = 10_000_000;
const CAPTURE_DB = 6;
const LOSS_AT_1_M_DB = 40;
const PATH_LOSS_EXPONENT = 2.9;
const NOISE_DBM_PER_HZ = -174;
const NOISE_FIGURE_DB = 6;
const HIGHEST_SNR_DB = 14;
const FSK_NOISE_BANDWIDTH_HZ = 100_000;
const FSK_FLOOR_DB = 6;
const PREAMBLE_SYMBOLS = 8;
/** Preamble symbols a receiver needs to lock on. */
export const LOCK_SYMBOLS = 5;

/** Duration of one preamble symbol. */
export function symbolUs(modulation: Modulation): number {
  return modulation.kind === 'lora'
    ? (2 ** modulation.spreadingFactor / modulation.bandwidthHz) * 1e6
    : 160;
}

function floorDb(modulation: Modulation): number {
  return modulation.kind === 'lora' ? 10 - 2.5 * modulation.spreadingFactor : FSK_FLOOR_DB;
}

function bandwidthHz(modulation: Modulation): number {
  return modulation.kind === 'lora' ? modulation.bandwidthHz : FSK_NOISE_BANDWIDTH_HZ;
}

function noiseDbm(modulation: Modulation): number {
  return NOISE_DBM_PER_HZ + 10 * Math.log10(bandwidthHz(modulation)) + NOISE_FIGURE_DB;
}

function sameModulation(left: Modulation, right: Modulation): boolean {
  if (left.kind === 'lora' && right.kind === 'lora')
    return left.spreadingFactor === right.spreadingFactor && left.bandwidthHz === right.bandwidthHz;
  if (left.kind === 'fsk' && right.kind === 'fsk') return left.bitRate === right.bitRate;
  return false;
}

function overlap(left: Emission, right: Emission): boolean {
  return left.startUs < right.endUs && right.startUs < left.endUs;
}

function interferes(left: Emission, right: Emission): boolean {
  return (
    left !== right &&
    left.frequencyHz === right.frequencyHz &&
    left.invertPolarization === right.invertPolarization &&
    sameModulation(left.modulation, right.modulation) &&
    overlap(left, right)
  );
}

/** Whether a device that listens there can lock on to an emission: same channel, same modulation. */
export function isTunedTo(
  place: Pick<ReceiveWindow, 'frequencyHz' | 'modulation'>,
  emission: Emission,
): boolean {
  return (
    emission.invertPolarization === (place.modulation.kind === 'lora') &&
    emission.frequencyHz === place.frequencyHz &&
    sameModulation(emission.modulation, place.modulation)
  );
}

/** Whether a receive window locks on to an emission: tuned to it, and enough of the preamble falls into it. */
export function catches(window: ReceiveWindow, emission: Emission): boolean {
  const oneSymbolUs = symbolUs(window.modulation);
  return (
    isTunedTo(window, emission) &&
    emission.startUs + (PREAMBLE_SYMBOLS - LOCK_SYMBOLS) * oneSymbolUs >= window.opensUs &&
    emission.startUs + LOCK_SYMBOLS * oneSymbolUs <= window.closesUs
  );
}

class Medium implements Air {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #collisions: boolean;
  readonly #fadingDb: number;
  readonly #observer: AirObserver | undefined;
  readonly #listeners = new Set<AirListener>();
  readonly #announcements = new Set<(emission: Emission) => void>();
  /** Drawn once per emission and place, so that wanted and interfering power agree. */
  readonly #fading = new WeakMap<Emission, Map<Place, number>>();
  #uplinks: readonly Emission[] = [];
  #downlinks: readonly Emission[] = [];

  constructor(options: AirOptions) {
    this.#clock = options.clock;
    this.#random = options.random ?? seededRandom(1);
    this.#collisions = options.collisions ?? true;
    this.#fadingDb = options.fadingDb ?? 3;
    this.#observer = options.observer;
  }

  nowUs(): number {
    return Math.round(this.#clock.monotonic() * 1000);
  }

  attach(listener: AirListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  sendUplink(emission: Emission): void {
    this.#uplinks = [...this.#remembered(this.#uplinks), emission];
    this.#clock.setTimer((emission.endUs - this.nowUs()) / 1000, () => this.#deliver(emission));
  }

  sendDownlink(emission: Emission): void {
    this.#downlinks = [...this.#remembered(this.#downlinks), emission];
    this.#observer?.downlink?.(emission);
    for (const announce of [...this.#announcements]) announce(emission);
  }

  onDownlink(announce: (emission: Emission) => void): () => void {
    this.#announcements.add(announce);
    return () => this.#announcements.delete(announce);
  }

  hearing(emission: Emission, place: Place): Signal | undefined {
    const signal = this.#signalAt(emission, place);
    return this.#lossOf(signal, this.#downlinks, place) ? undefined : signal;
  }

  receive(window: ReceiveWindow): Signal | undefined {
    return this.#downlinks
      .filter((emission) => catches(window, emission))
      .map((emission) => this.#signalAt(emission, window))
      .filter((signal) => this.#lossOf(signal, this.#downlinks, window) === undefined)
      .sort((left, right) => right.rssiDbm - left.rssiDbm)[0];
  }

  levelDbm(scan: Scan, own: Emission): number {
    const { fromUs, untilUs, frequencyHz } = scan;
    const widthHz = bandwidthHz(own.modulation);
    const levels = [...this.#uplinks, ...this.#downlinks]
      .filter(
        (emission) =>
          emission !== own &&
          Math.abs(emission.frequencyHz - frequencyHz) < widthHz &&
          emission.startUs < untilUs &&
          fromUs < emission.endUs,
      )
      .map((emission) => this.#signalAt(emission, scan).rssiDbm);
    return Math.max(noiseDbm(own.modulation), ...levels);
  }

  #remembered(emissions: readonly Emission[]): readonly Emission[] {
    const oldestUs = this.nowUs() - MEMORY_US;
    return emissions.filter((emission) => emission.endUs >= oldestUs);
  }

  #deliver(emission: Emission): void {
    let best = 0;
    for (const listener of [...this.#listeners]) {
      const signal = this.#signalAt(emission, listener);
      const fate = this.#lossOf(signal, this.#uplinks, listener) ?? listener.hear(signal);
      best = Math.max(best, UPLINK_FATES.indexOf(fate));
    }
    this.#observer?.uplink?.(emission, UPLINK_FATES[best] ?? 'not_listening');
  }

  #fadeOf(emission: Emission, place: Place): number {
    const drawn = this.#fading.get(emission) ?? new Map<Place, number>();
    this.#fading.set(emission, drawn);
    const fade = drawn.get(place) ?? randomNormal(this.#random, this.#fadingDb);
    drawn.set(place, fade);
    return fade;
  }

  #signalAt(emission: Emission, place: Place): Signal {
    const { from, modulation } = emission;
    const distanceM = Math.hypot(from.xM - place.position.xM, from.yM - place.position.yM);
    const lossDb = LOSS_AT_1_M_DB + 10 * PATH_LOSS_EXPONENT * Math.log10(Math.max(1, distanceM));
    const rssiDbm = emission.eirpDbm - lossDb + this.#fadeOf(emission, place);
    return { emission, rssiDbm, snrDb: Math.min(HIGHEST_SNR_DB, rssiDbm - noiseDbm(modulation)) };
  }

  /** Why a signal cannot be demodulated in this place; undefined if it can. */
  #lossOf(
    signal: Signal,
    others: readonly Emission[],
    place: Place,
  ): 'too_weak' | 'collision' | undefined {
    if (signal.snrDb < floorDb(signal.emission.modulation)) return 'too_weak';
    if (!this.#collisions) return undefined;
    const drowns = (other: Emission): boolean =>
      interferes(signal.emission, other) &&
      signal.rssiDbm - this.#signalAt(other, place).rssiDbm < CAPTURE_DB;
    return others.some(drowns) ? 'collision' : undefined;
  }
}

/** Creates an empty medium. */
export function createAir(options: AirOptions): Air {
  return new Medium(options);
}
