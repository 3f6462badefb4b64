import type { Clock, Timer } from '../base/clock.ts';
import { expandKey } from '../lorawan/index.ts';
import type { Air, Position, Signal } from './air.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { acceptJoin, JOIN_ACCEPT_DELAY_1_S, JOIN_ACCEPT_DELAY_2_S } from './device-join.ts';
import { DeviceJoiner } from './device-joiner.ts';
import type { AcceptedDownlink, DeviceLinkLayer, PreparedUplink } from './device-link-layer.ts';
import {
  type DeviceMemory,
  linkOf,
  powerUpLink,
  powerUpSettings,
  sessionMemory,
} from './device-memory.ts';
import { createDeviceRadio, type DeviceRadio, type Exchange } from './device-radio.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import type { DeviceRegion } from './device-region.ts';
import { DeviceReport, sessionFields, settingsFields } from './device-report.ts';
import { createSession } from './device-session.ts';
import type { DeviceSnapshot, DeviceState, ReceivedDownlink } from './device-snapshot.ts';
import { maxApplicationPayload, type UplinkOrder, type UplinkRequest } from './device-uplink.ts';
import { type PayloadProducer, payloadProducer } from './payload-producer.ts';
import { planExchange, type WindowDelaysS } from './plan-exchange.ts';
import type { Random } from './seeded-random.ts';
import * as errors from './simulator-errors.ts';

export interface VirtualEndDeviceOptions {
  readonly config: SimulatedDeviceConfig;
  readonly region: DeviceRegion;
  readonly clock: Clock;
  readonly air: Air;
  readonly position: Position;
  readonly random: Random;
  /** What it kept over a loss of power. */
  readonly memory?: DeviceMemory | undefined;
  readonly onChange: () => void;
  readonly onDownlink: (downlink: ReceivedDownlink) => void;
}

/** A frame that may still be repeated. */
interface Transmission extends PreparedUplink {
  readonly transmissionsLeft: number;
}

/** What the device does next, and when on the monotonic clock. */
type Plan = { readonly atMs: number; readonly run: () => void };

type ExchangeResult = Pick<Exchange, 'onFrame' | 'onDone'>;

const CONFIRMED_TRANSMISSIONS = 4;
const MAX_QUEUED_UPLINKS = 16;
const DEFAULT_JITTER = 0.1;

/** A class A end device: joins, measures, sends, and listens in its windows. At rest it holds one timer at most. */
export class VirtualEndDevice {
  readonly config: SimulatedDeviceConfig;
  readonly #options: VirtualEndDeviceOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #radio: DeviceRadio;
  readonly #report: DeviceReport;
  readonly #produce: PayloadProducer;
  /** Absent when activated by personalization. */
  readonly #joiner: DeviceJoiner | undefined;
  #link: DeviceLinkLayer | undefined;
  #running = false;
  #joining = false;
  #intervalS: number;
  #timer: Timer | undefined;
  #queue: readonly UplinkRequest[] = [];
  #current: Transmission | undefined;
  #lastFrame: Uint8Array | undefined;
  #emptyUplinkDue = false;
  /** Earliest next transmission (back-off, pause before a repetition, duty cycle). */
  #notBeforeMs = 0;
  #nextPeriodicMs = 0;

  constructor(options: VirtualEndDeviceOptions) {
    const { config, clock, memory, random, region } = options;
    this.#options = options;
    this.config = config;
    this.#clock = clock;
    this.#random = random;
    this.#radio = createDeviceRadio(options);
    this.#report = new DeviceReport(clock);
    this.#intervalS = config.intervalS;
    this.#produce = payloadProducer(config.payload, random);
    const { activation } = config;
    if (activation.kind === 'otaa')
      this.#joiner = new DeviceJoiner(config, expandKey(activation.appKey), random, memory);
    this.#link = powerUpLink(config, region, memory?.session);
  }

  get state(): DeviceState {
    if (this.#joining) return 'joining';
    return this.#link ? 'joined' : 'idle';
  }

  snapshot(): DeviceSnapshot {
    return {
      id: this.config.id,
      config: this.config,
      state: this.state,
      running: this.#running,
      intervalS: this.#intervalS,
      lastDevNonce: this.#joiner?.lastDevNonce,
      queuedCount: this.#queue.length,
      ...sessionFields(this.#link?.session),
      ...settingsFields(this.#link?.settings ?? this.#powerUpSettings()),
      ...this.#report.fields(),
    };
  }

  /** What it keeps over a loss of power, as of now. */
  memory(): DeviceMemory {
    return {
      ...(this.#joiner?.memory() ?? { devNonces: [] }),
      ...(this.#link && { session: sessionMemory(this.#link) }),
    };
  }

  /** Begins automatic activity: joins when it has no session, then sends at its interval. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    if (this.#link) this.#schedulePeriodicSoon();
    else this.#beginJoin();
    this.#changed();
  }

  /** Ends automatic activity and an unfinished join; a session stays for uplinks on demand. */
  stop(): void {
    this.#running = false;
    this.#joining = false;
    this.#current = undefined;
    this.#queue = [];
    this.#emptyUplinkDue = false;
    this.#radio.cancel();
    this.#changed();
  }

  /** Joins anew, giving up the present session. */
  join(): void {
    if (!this.#joiner) throw errors.noJoin({ device_id: this.config.id });
    this.#radio.cancel();
    this.#beginJoin();
    this.#changed();
  }

  /** Sends a payload as soon as the windows of earlier uplinks are over. */
  sendUplink(wanted: UplinkOrder): void {
    const link = this.#link;
    const request = {
      ...wanted,
      fPort: wanted.fPort ?? this.config.fPort,
      payload: wanted.payload ?? this.#produce(),
    };
    if (!link || this.#joining) throw errors.notJoined({ device_id: this.config.id });
    if (request.fault?.kind === 'replay' && !this.#lastFrame)
      throw errors.nothingToReplay({ device_id: this.config.id });
    if (this.#queue.length >= MAX_QUEUED_UPLINKS)
      throw errors.queueFull({ device_id: this.config.id, length: this.#queue.length });
    const maxLength = maxApplicationPayload(link.maxMacPayloadBytes);
    if (request.payload.length > maxLength)
      throw errors.payloadTooLong({
        length: request.payload.length,
        data_rate_index: link.dataRateIndex,
        max_length: maxLength,
      });
    this.#queue = [...this.#queue, { ...request, payload: request.payload.slice() }];
    this.#changed();
  }

  /** Asks the network for margin and gateway count with the next uplink. */
  requestLinkCheck(): void {
    if (!this.#link) throw errors.notJoined({ device_id: this.config.id });
    this.#link.requestLinkCheck();
  }

  /** Changes the seconds between uplinks; 0 sends only on demand. */
  setIntervalS(intervalS: number): void {
    this.#intervalS = intervalS;
    this.#scheduleNextPeriodic();
    this.#changed();
  }

  #changed(): void {
    this.#arm();
    this.#options.onChange();
  }

  /** Replaces the one timer by that of the next plan. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const plan = this.#radio.busy ? undefined : this.#plan();
    if (!plan) return;
    this.#timer = this.#clock.setTimer(Math.max(0, plan.atMs - this.#clock.monotonic()), () => {
      this.#timer = undefined;
      plan.run();
    });
  }

  #plan(): Plan | undefined {
    const atMs = this.#notBeforeMs;
    if (this.#joining) return { atMs, run: () => this.#transmitJoinRequest() };
    const link = this.#link;
    if (!link) return undefined;
    const current = this.#current;
    if (current) return { atMs, run: () => this.#transmitData(link, current) };
    const [request] = this.#queue;
    if (request) return { atMs, run: () => this.#sendNext(link, request) };
    if (this.#emptyUplinkDue) return { atMs, run: () => this.#sendNext(link, undefined) };
    if (!this.#running || this.#intervalS === 0) return undefined;
    return {
      atMs: Math.max(atMs, this.#nextPeriodicMs),
      run: () => this.#sendPeriodic(link),
    };
  }

  #pause(minMs: number, maxMs: number): void {
    const pauseMs = minMs + this.#random() * (maxMs - minMs);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#clock.monotonic() + pauseMs);
  }

  #schedulePeriodicSoon(): void {
    this.#nextPeriodicMs = this.#clock.monotonic() + 1000 + this.#random() * 2000;
  }

  #scheduleNextPeriodic(): void {
    const jitter = this.config.intervalJitter ?? DEFAULT_JITTER;
    const factor = 1 + jitter * (2 * this.#random() - 1);
    this.#nextPeriodicMs = this.#clock.monotonic() + this.#intervalS * 1000 * factor;
  }

  #powerUpSettings(): RadioSettings {
    return powerUpSettings(this.config, this.#options.region);
  }

  #beginJoin(): void {
    this.#link = undefined;
    this.#current = undefined;
    this.#queue = [];
    this.#emptyUplinkDue = false;
    this.#joining = true;
    if (this.#joiner) this.#joiner.attempts = 0;
    this.#notBeforeMs = this.#clock.monotonic();
  }

  #transmitJoinRequest(): void {
    const joiner = this.#joiner;
    if (!joiner) return;
    const settings = this.#powerUpSettings();
    const { phyPayload, dataRateIndex, attempt } = joiner.prepare(settings);
    const delays = [JOIN_ACCEPT_DELAY_1_S, JOIN_ACCEPT_DELAY_2_S] as const;
    this.#exchange(phyPayload, settings, dataRateIndex, delays, {
      onFrame: (signal) => {
        const result = acceptJoin(attempt, signal.emission.phyPayload);
        if (typeof result === 'string') {
          this.#report.problem(result);
          return false;
        }
        this.#joining = false;
        joiner.lastJoinNonce = result.join.joinNonce;
        this.#report.receivedCount += 1;
        const session = createSession(result.devAddr, result.keys, result.join);
        this.#link = linkOf(this.config, session, result.settings);
        this.#schedulePeriodicSoon();
        return true;
      },
      onDone: () => this.#afterJoinAttempt(joiner),
    });
  }

  #afterJoinAttempt(joiner: DeviceJoiner): void {
    if (this.#joining) {
      this.#pause(0.8 * joiner.backOffMs, 1.2 * joiner.backOffMs);
      this.#report.problem(
        `Join-request ${joiner.attempts} with DevNonce ${joiner.lastDevNonce} got no valid join-accept.`,
      );
    }
    this.#changed();
  }

  #sendPeriodic(link: DeviceLinkLayer): void {
    this.#scheduleNextPeriodic();
    const confirmed = this.#random() < (this.config.confirmedRatio ?? 0);
    const request = { fPort: this.config.fPort, payload: this.#produce(), confirmed };
    this.#queue = [request];
    this.#sendNext(link, request);
  }

  #sendNext(link: DeviceLinkLayer, request: UplinkRequest | undefined): void {
    this.#emptyUplinkDue = false;
    if (request?.fault?.kind === 'replay' && this.#lastFrame) {
      this.#queue = this.#queue.slice(1);
      this.#exchangeData(link, this.#lastFrame);
      return;
    }
    const maxLength = maxApplicationPayload(link.maxMacPayloadBytes);
    if (request && request.payload.length > maxLength) {
      this.#queue = this.#queue.slice(1);
      this.#report.problem(
        `A payload of ${request.payload.length} bytes was not sent: DR${link.dataRateIndex} carries at most ${maxLength}.`,
      );
      this.#changed();
      return;
    }
    const prepared = link.prepare(request);
    const { carries, confirmed, fCnt } = prepared;
    if (carries) {
      this.#queue = this.#queue.slice(1);
      this.#report.uplink({ ...carries, fCnt, confirmed });
    }
    const transmissionsLeft =
      confirmed && link.settings.macVersion !== '1.0.4'
        ? CONFIRMED_TRANSMISSIONS
        : link.settings.nbTrans;
    this.#lastFrame = prepared.phyPayload;
    this.#transmitData(link, { ...prepared, transmissionsLeft });
  }

  #transmitData(link: DeviceLinkLayer, transmission: Transmission): void {
    this.#current = {
      ...transmission,
      transmissionsLeft: transmission.transmissionsLeft - 1,
    };
    this.#exchangeData(link, transmission.phyPayload);
  }

  #exchangeData(link: DeviceLinkLayer, phyPayload: Uint8Array): void {
    const { settings } = link;
    const delays = [settings.rx1DelayS, settings.rx1DelayS + 1] as const;
    this.#exchange(phyPayload, settings, link.dataRateIndex, delays, {
      onFrame: (signal, window) => this.#onDataFrame(link, signal, window),
      onDone: () => this.#afterData(link),
    });
  }

  /** Sends one frame on a random channel and listens afterwards. */
  #exchange(
    phyPayload: Uint8Array,
    settings: RadioSettings,
    dataRateIndex: number,
    delays: WindowDelaysS,
    result: ExchangeResult,
  ): void {
    const plan = planExchange(settings, dataRateIndex, delays, this.#random);
    if (!plan) {
      this.#report.problem(`No enabled channel allows DR${dataRateIndex}; the frame was not sent.`);
      this.#current = undefined;
      this.#pause(1000, 2000);
      this.#changed();
      return;
    }
    const timeOnAirUs = this.#radio.exchange({ phyPayload, ...plan, ...result });
    this.#report.sentCount += 1;
    this.#notBeforeMs =
      this.#clock.monotonic() + (timeOnAirUs / 1000) * 2 ** settings.maxDutyCycleExponent;
    this.#changed();
  }

  #onDataFrame(link: DeviceLinkLayer, signal: Signal, window: 'RX1' | 'RX2'): boolean {
    const downlink = link.receive(signal);
    if ('reason' in downlink) {
      if (downlink.forUs) this.#report.problem(downlink.reason);
      return false;
    }
    this.#report.receivedCount += 1;
    this.#applyDownlink(downlink, window);
    return true;
  }

  #applyDownlink(downlink: AcceptedDownlink, window: 'RX1' | 'RX2'): void {
    const { application, confirmed, fullFCnt: fCnt } = downlink;
    if (downlink.problem) this.#report.problem(downlink.problem);
    if (downlink.linkCheck) this.#report.linkCheck = downlink.linkCheck;
    if (downlink.ack && this.#current?.confirmed) this.#report.acknowledgedCount += 1;
    if (downlink.ack || !this.#current?.confirmed) this.#current = undefined;
    if (downlink.fPending || confirmed) this.#emptyUplinkDue = true;
    if (!application) return;
    this.#report.downlink({ ...application, fCnt, confirmed });
    this.#options.onDownlink({ ...application, fCnt, confirmed, window });
  }

  #afterData(link: DeviceLinkLayer): void {
    const current = this.#current;
    if (current && current.transmissionsLeft <= 0) {
      this.#current = undefined;
      if (current.confirmed)
        this.#report.problem(
          `The network did not acknowledge the uplink with FCnt ${current.fCnt}.`,
        );
    }
    if (link === this.#link && (this.#current || this.#emptyUplinkDue)) this.#pause(1000, 3000);
    this.#changed();
  }
}
