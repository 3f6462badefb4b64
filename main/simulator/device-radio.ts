import type { Clock, Timer } from '../base/clock.ts';
import type { Modulation } from '../base/gateway-link.ts';
import { timeOnAirUs } from '../lorawan/index.ts';
import {
  type Air,
  catches,
  type Emission,
  isTunedTo,
  LOCK_SYMBOLS,
  type Position,
  type ReceiveWindow,
  type Signal,
  symbolUs,
} from './air.ts';

/** Where a device listens. */
export interface ListeningPlace {
  readonly frequencyHz: number;
  readonly modulation: Modulation;
}

/** Where a receive window listens, and when after the end of the uplink it opens. */
export interface WindowPlan extends ListeningPlace {
  readonly delayS: number;
}

/** One uplink and the two windows after it. */
export interface Exchange {
  readonly phyPayload: Uint8Array;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  readonly eirpDbm: number;
  readonly rx1: WindowPlan;
  readonly rx2: WindowPlan;
  /** A frame was heard; true when it was for this device and valid, which closes the exchange. */
  onFrame(signal: Signal, window: 'RX1' | 'RX2'): boolean;
  /** Both windows are over. */
  onDone(): void;
}

/** The transceiver of a device: half duplex, one exchange at a time. */
export interface DeviceRadio {
  readonly busy: boolean;
  /** Starts an exchange and returns the uplink's time on air. */
  exchange(exchange: Exchange): number;
  /** Ends an exchange without a word. */
  cancel(): void;
  /** Listens there whenever nothing else is to be done, as devices of class C do; undefined ends it. */
  listen(place: ListeningPlace | undefined): void;
}

export interface DeviceRadioOptions {
  readonly clock: Clock;
  readonly air: Air;
  readonly position: Position;
  /** Millionths by which the device's clock runs late now. */
  readonly driftPpm: () => number;
  /** A frame was heard outside the windows. */
  readonly onContinuous: (signal: Signal) => void;
}

/** Clock error a device allows for on both sides of its window. */
const WINDOW_MARGIN_US = 10_000;
const WINDOW_SYMBOLS = 8;
/** A frame that began in RX2 is dealt with before the exchange ends. */
const AFTER_FRAME_US = 1_000;

/** An exchange that is going on, on the air's time. */
interface Going {
  readonly exchange: Exchange;
  readonly sentUs: number;
  readonly rx1: ReceiveWindow;
  readonly rx2: ReceiveWindow;
  /** Until when RX1 keeps the receiver. */
  rx1UntilUs: number;
}

class Transceiver implements DeviceRadio {
  readonly #options: DeviceRadioOptions;
  #timer: Timer | undefined;
  #going: Going | undefined;
  #place: ListeningPlace | undefined;
  #silence: (() => void) | undefined;
  /** Downlinks that the device will look out for, or is receiving, while it listens all the time. */
  readonly #awaited = new Set<Timer>();
  #receiving: Emission | undefined;

  constructor(options: DeviceRadioOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#going !== undefined;
  }

  exchange(exchange: Exchange): number {
    const { air, position } = this.#options;
    const { phyPayload, frequencyHz, modulation, eirpDbm } = exchange;
    const timeOnAir = timeOnAirUs(modulation, phyPayload.length);
    const startUs = air.nowUs();
    const endUs = startUs + timeOnAir;
    air.sendUplink({
      phyPayload,
      frequencyHz,
      modulation,
      eirpDbm,
      invertPolarization: false,
      startUs,
      endUs,
      from: position,
    });
    this.#receiving = undefined;
    const rx1 = this.#windowAfter(endUs, exchange.rx1);
    const rx2 = this.#windowAfter(endUs, exchange.rx2);
    this.#going = { exchange, sentUs: endUs, rx1, rx2, rx1UntilUs: rx1.closesUs };
    this.#openRx1(this.#going);
    return timeOnAir;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#going = undefined;
  }

  listen(place: ListeningPlace | undefined): void {
    this.#place = place;
    if (place) {
      this.#silence ??= this.#options.air.onDownlink((emission) => this.#announced(emission));
      return;
    }
    this.#silence?.();
    this.#silence = undefined;
    this.#receiving = undefined;
    for (const timer of this.#awaited) timer.cancel();
    this.#awaited.clear();
  }

  #delayMs(timeUs: number): number {
    return Math.max(0, (timeUs - this.#options.air.nowUs()) / 1000);
  }

  #at(timeUs: number, run: () => void): void {
    this.#timer = this.#options.clock.setTimer(this.#delayMs(timeUs), run);
  }

  #windowAfter(endUs: number, plan: WindowPlan): ReceiveWindow {
    const { driftPpm, position } = this.#options;
    const nominalUs = endUs + plan.delayS * (1e6 + driftPpm());
    return {
      opensUs: nominalUs - WINDOW_MARGIN_US,
      closesUs: nominalUs + WINDOW_MARGIN_US + WINDOW_SYMBOLS * symbolUs(plan.modulation),
      frequencyHz: plan.frequencyHz,
      modulation: plan.modulation,
      position,
    };
  }

  #finish({ exchange }: Going): void {
    this.cancel();
    exchange.onDone();
  }

  #openRx1(going: Going): void {
    const { exchange, rx1, rx2 } = going;
    this.#at(rx1.closesUs, () => {
      const signal = this.#options.air.receive(rx1);
      if (!signal) return this.#openRx2(going);
      const { endUs } = signal.emission;
      going.rx1UntilUs = endUs;
      this.#at(endUs, () => {
        if (exchange.onFrame(signal, 'RX1') || endUs > rx2.opensUs) this.#finish(going);
        else this.#openRx2(going);
      });
    });
  }

  #openRx2(going: Going): void {
    const { exchange, rx2 } = going;
    this.#at(rx2.closesUs, () => {
      // A device that listens all the time hears RX2 as it hears everything.
      if (this.#place) {
        if (!this.#receiving) return this.#finish(going);
        return this.#at(this.#receiving.endUs + AFTER_FRAME_US, () => this.#finish(going));
      }
      const signal = this.#options.air.receive(rx2);
      if (!signal) return this.#finish(going);
      this.#at(signal.emission.endUs, () => {
        exchange.onFrame(signal, 'RX2');
        this.#finish(going);
      });
    });
  }

  #later(timeUs: number, run: () => void): void {
    const timer = this.#options.clock.setTimer(this.#delayMs(timeUs), () => {
      this.#awaited.delete(timer);
      run();
    });
    this.#awaited.add(timer);
  }

  /** Whether the receiver is neither switched off by a transmission nor busy with RX1. */
  #isListening(nowUs: number): boolean {
    const going = this.#going;
    if (this.#receiving) return false;
    if (!going) return true;
    return nowUs >= going.sentUs && !(nowUs >= going.rx1.opensUs && nowUs <= going.rx1UntilUs);
  }

  #announced(emission: Emission): void {
    const place = this.#place;
    if (!place || !isTunedTo(place, emission)) return;
    const lockUs = emission.startUs + LOCK_SYMBOLS * symbolUs(emission.modulation);
    this.#later(lockUs, () => {
      const now = this.#place;
      if (!now || !isTunedTo(now, emission) || !this.#isListening(lockUs)) return;
      this.#receiving = emission;
      this.#later(emission.endUs, () => this.#received(emission));
    });
  }

  #received(emission: Emission): void {
    // An uplink that began meanwhile has ended the reception.
    if (this.#receiving !== emission) return;
    this.#receiving = undefined;
    const { air, onContinuous } = this.#options;
    const going = this.#going;
    const signal = air.hearing(emission, this.#options);
    if (!signal) return;
    if (!going || !catches(going.rx2, emission)) onContinuous(signal);
    else if (going.exchange.onFrame(signal, 'RX2')) this.#finish(going);
  }
}

/** Creates the radio of one device. Unless it listens all the time, it holds at most one timer. */
export function createDeviceRadio(options: DeviceRadioOptions): DeviceRadio {
  return new Transceiver(options);
}
