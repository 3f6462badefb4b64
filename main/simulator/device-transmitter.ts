import type { Clock } from '../base/clock.ts';
import type { Air, Position, Signal } from './air.ts';
import { chooseChannel } from './device-channels.ts';
import { DeviceConditions, type UplinkFault } from './device-faults.ts';
import { createDeviceRadio, type DeviceRadio, type Exchange } from './device-radio.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import { deviceRegion } from './device-region.ts';
import type { DeviceReport } from './device-report.ts';
import type { SignableFrame } from './device-uplink.ts';
import { planExchange, rx2Of, type WindowDelaysS } from './plan-exchange.ts';
import type { Random } from './seeded-random.ts';

/** A frame to be sent, and what to do about the windows after it. */
export interface Transmission extends Pick<Exchange, 'onFrame' | 'onDone'> {
  readonly frame: SignableFrame;
  readonly settings: RadioSettings;
  readonly dataRateIndex: number;
  readonly delays: WindowDelaysS;
  readonly fault?: UplinkFault | undefined;
  /** The frame was on the air before, so that a fault that lasts has begun already. */
  readonly isRepetition?: boolean;
}

export interface DeviceTransmitterOptions {
  readonly clock: Clock;
  readonly air: Air;
  readonly position: Position;
  readonly random: Random;
  readonly report: DeviceReport;
  /** A frame was heard outside the windows of an uplink. */
  readonly onContinuous: (signal: Signal) => void;
}

/** Where another band has one of its default channels, and a data rate that is allowed there. */
function strayPlace(
  bandId: string,
  random: Random,
): Pick<Exchange, 'frequencyHz' | 'modulation'> | undefined {
  const region = deviceRegion(bandId);
  const rate = region?.defaultDataRateIndex ?? 0;
  const channel = region && chooseChannel(region.channels, rate, random);
  const modulation = region?.dataRates.get(rate)?.modulation;
  return channel && modulation && { frequencyHz: channel.frequencyHz, modulation };
}

/** Brings a device's frames on the air: chooses channels, keeps the duty cycle and the pauses, listens afterwards. */
export class DeviceTransmitter {
  /** Earliest next transmission (back-off, pause before a repetition, duty cycle) on the monotonic clock. */
  notBeforeMs = 0;
  readonly #options: DeviceTransmitterOptions;
  readonly #conditions: DeviceConditions;
  readonly #radio: DeviceRadio;

  constructor(options: DeviceTransmitterOptions) {
    this.#options = options;
    this.#conditions = new DeviceConditions(options.random);
    this.#radio = createDeviceRadio({
      ...options,
      driftPpm: () => this.#conditions.driftPpm,
      onContinuous: (signal) => {
        if (this.#hears()) options.onContinuous(signal);
      },
    });
  }

  get busy(): boolean {
    return this.#radio.busy;
  }

  /** Sends one frame on a random channel; false if the data rate has none. */
  send(transmission: Transmission): boolean {
    const { dataRateIndex, delays, fault, frame, isRepetition, settings } = transmission;
    const { clock, random, report } = this.#options;
    if (!isRepetition) this.#conditions.begin(fault);
    const plan = planExchange(settings, dataRateIndex, delays, random);
    if (!plan) {
      report.problem(`No enabled channel allows DR${dataRateIndex}; the frame was not sent.`);
      this.pause(1000, 2000);
      return false;
    }
    const timeOnAirUs = this.#radio.exchange({
      ...plan,
      ...(fault?.kind === 'wrong_region' && strayPlace(fault.bandId, random)),
      phyPayload: frame({ dataRateIndex, channelIndex: plan.channelIndex }),
      onFrame: (signal, window) => this.#hears() && transmission.onFrame(signal, window),
      onDone: transmission.onDone,
    });
    report.sentCount += 1;
    this.notBeforeMs =
      clock.monotonic() + (timeOnAirUs / 1000) * 2 ** settings.maxDutyCycleExponent;
    return true;
  }

  /** Puts the next transmission off for a time between the two. */
  pause(minMs: number, maxMs: number): void {
    const { clock, random } = this.#options;
    const pauseMs = minMs + random() * (maxMs - minMs);
    this.notBeforeMs = Math.max(this.notBeforeMs, clock.monotonic() + pauseMs);
  }

  /** Ends the windows of the last transmission. */
  cancel(): void {
    this.#radio.cancel();
  }

  /** Listens all the time in RX2 as it is set, as devices of class C do; undefined ends it. */
  listen(settings: RadioSettings | undefined): void {
    this.#radio.listen(settings && rx2Of(settings));
  }

  #hears(): boolean {
    return !this.#conditions.losesDownlink();
  }
}
