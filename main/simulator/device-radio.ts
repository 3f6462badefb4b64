import type { Clock, Timer } from '../base/clock.ts';
import type { Modulation } from '../base/gateway-link.ts';
import { timeOnAirUs } from '../lorawan/index.ts';
import { type Air, type Position, type ReceiveWindow, type Signal, symbolUs } from './air.ts';

/** Where a receive window listens, and when after the end of the uplink it opens. */
export interface WindowPlan {
  readonly delayS: number;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
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

/** The transceiver of a class A device: half duplex, one exchange at a time. */
export interface DeviceRadio {
  readonly busy: boolean;
  /** Starts an exchange and returns the uplink's time on air. */
  exchange(exchange: Exchange): number;
  cancel(): void;
}

export interface DeviceRadioOptions {
  readonly clock: Clock;
  readonly air: Air;
  readonly position: Position;
}

/** Clock error a device allows for on both sides of its window. */
const WINDOW_MARGIN_US = 10_000;
const WINDOW_SYMBOLS = 8;

/** Creates the radio of one device. It holds at most one timer. */
export function createDeviceRadio(options: DeviceRadioOptions): DeviceRadio {
  const { clock, air, position } = options;
  let timer: Timer | undefined;

  const at = (timeUs: number, run: () => void): void => {
    timer = clock.setTimer(Math.max(0, (timeUs - air.nowUs()) / 1000), run);
  };

  const windowAfter = (endUs: number, plan: WindowPlan): ReceiveWindow => {
    const nominalUs = endUs + plan.delayS * 1e6;
    return {
      opensUs: nominalUs - WINDOW_MARGIN_US,
      closesUs: nominalUs + WINDOW_MARGIN_US + WINDOW_SYMBOLS * symbolUs(plan.modulation),
      frequencyHz: plan.frequencyHz,
      modulation: plan.modulation,
      position,
    };
  };

  const listen = (
    window: ReceiveWindow,
    heard: (signal: Signal) => void,
    silent: () => void,
  ): void => {
    at(window.closesUs, () => {
      const signal = air.receive(window);
      if (signal) at(signal.emission.endUs, () => heard(signal));
      else silent();
    });
  };

  const finish = (exchange: Exchange): void => {
    timer = undefined;
    exchange.onDone();
  };

  const openRx2 = (exchange: Exchange, window: ReceiveWindow): void => {
    const done = (): void => finish(exchange);
    listen(
      window,
      (signal) => {
        exchange.onFrame(signal, 'RX2');
        done();
      },
      done,
    );
  };

  return {
    get busy() {
      return timer !== undefined;
    },
    exchange(exchange) {
      const timeOnAir = timeOnAirUs(exchange.modulation, exchange.phyPayload.length);
      const startUs = air.nowUs();
      const endUs = startUs + timeOnAir;
      const { phyPayload, frequencyHz, modulation, eirpDbm } = exchange;
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
      const rx2 = windowAfter(endUs, exchange.rx2);
      listen(
        windowAfter(endUs, exchange.rx1),
        (signal) => {
          const taken = exchange.onFrame(signal, 'RX1');
          if (taken || signal.emission.endUs > rx2.opensUs) finish(exchange);
          else openRx2(exchange, rx2);
        },
        () => openRx2(exchange, rx2),
      );
      return timeOnAir;
    },
    cancel() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
