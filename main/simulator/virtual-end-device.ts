import type { Clock, Timer } from '../base/clock.ts';
import type { Air, Position, Signal } from './air.ts';
import { DeviceActivation } from './device-activation.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { faultProblem } from './device-faults.ts';
import type { AcceptedDownlink, DeviceLinkLayer } from './device-link-layer.ts';
import type { MacEffect } from './device-mac-commands.ts';
import { type DeviceMemory, powerUpLink, sessionMemory } from './device-memory.ts';
import type { DeviceRegion } from './device-region.ts';
import type { DueRejoin } from './device-rejoins.ts';
import { DeviceReport, sessionFields, settingsFields } from './device-report.ts';
import { ScriptReader } from './device-script.ts';
import type { RejoinType } from './device-session.ts';
import type { DeviceSnapshot, DeviceState, ReceivedDownlink } from './device-snapshot.ts';
import { DeviceTransmitter } from './device-transmitter.ts';
import { maxApplicationPayload, type UplinkOrder, type UplinkRequest } from './device-uplink.ts';
import { DeviceUplinks, type OutgoingFrame } from './device-uplinks.ts';
import { type PayloadProducer, payloadProducer } from './payload-producer.ts';
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

/** What the device does next, and when on the monotonic clock. */
type Plan = { readonly atMs: number; readonly run: () => void };

const DEFAULT_JITTER = 0.1;

/** An end device: joins, measures, sends, and listens. At rest one of class A holds one timer at most. */
export class VirtualEndDevice {
  readonly config: SimulatedDeviceConfig;
  readonly #options: VirtualEndDeviceOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #report: DeviceReport;
  readonly #uplinks: DeviceUplinks;
  readonly #transmitter: DeviceTransmitter;
  readonly #activation: DeviceActivation;
  readonly #produce: PayloadProducer;
  readonly #script: ScriptReader;
  #link: DeviceLinkLayer | undefined;
  #running = false;
  #intervalS: number;
  #timer: Timer | undefined;
  #nextPeriodicMs = 0;

  constructor(options: VirtualEndDeviceOptions) {
    const { config, clock, memory, random, region } = options;
    this.#options = options;
    this.config = config;
    this.#clock = clock;
    this.#random = random;
    this.#report = new DeviceReport(clock);
    this.#uplinks = new DeviceUplinks(this.#report);
    const report = this.#report;
    this.#transmitter = new DeviceTransmitter({
      ...options,
      report,
      onContinuous: (signal) => this.#onContinuous(signal),
    });
    this.#intervalS = config.intervalS;
    this.#produce = payloadProducer(config.payload, random);
    this.#script = new ScriptReader(config.script);
    this.#activation = new DeviceActivation({
      ...options,
      report,
      transmitter: this.#transmitter,
      onSession: (link) => this.#onSession(link),
      onDone: () => this.#changed(),
    });
    const { roots } = this.#activation.joiner ?? {};
    this.#enter(powerUpLink(config, region, memory?.session, roots));
  }

  get state(): DeviceState {
    if (this.#activation.joining) return 'joining';
    return this.#link ? 'joined' : 'idle';
  }

  snapshot(): DeviceSnapshot {
    return {
      id: this.config.id,
      config: this.config,
      state: this.state,
      running: this.#running,
      intervalS: this.#intervalS,
      lastDevNonce: this.#activation.joiner?.lastDevNonce,
      queuedCount: this.#uplinks.queuedCount,
      ...sessionFields(this.#link?.session),
      ...settingsFields(this.#link?.settings ?? this.#activation.freshSettings),
      ...this.#report.fields(),
    };
  }

  /** What it keeps over a loss of power, as of now. */
  memory(): DeviceMemory {
    return {
      ...(this.#activation.joiner?.memory() ?? { devNonces: [] }),
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
    this.#activation.joining = false;
    this.#uplinks.clear();
    this.#transmitter.cancel();
    this.#changed();
  }

  /** Switches the device off for good. */
  remove(): void {
    this.#enter(undefined);
    this.stop();
  }

  /** Joins anew, giving up the present session. */
  join(): void {
    if (!this.#activation.joiner) throw errors.noJoin({ device_id: this.config.id });
    this.#transmitter.cancel();
    this.#beginJoin();
    this.#changed();
  }

  /** Sends a rejoin-request as soon as the windows of earlier uplinks are over. */
  rejoin(rejoinType: RejoinType): void {
    const { session } = this.#joinedLink();
    if (session.minor === 0 || !session.join) throw errors.noRejoin({ device_id: this.config.id });
    this.#activation.rejoins.order(rejoinType);
    this.#changed();
  }

  /** Sends a payload as soon as the windows of earlier uplinks are over. */
  sendUplink(wanted: UplinkOrder): void {
    const request = this.#requestOf(wanted);
    const link = this.#joinedLink();
    const problem = request.fault && faultProblem(request.fault);
    if (problem) throw errors.invalidFault({ device_id: this.config.id, problem });
    if (request.fault?.kind === 'replay' && !this.#uplinks.lastFrame)
      throw errors.nothingToReplay({ device_id: this.config.id });
    if (this.#uplinks.isFull)
      throw errors.queueFull({ device_id: this.config.id, length: this.#uplinks.queuedCount });
    const maxLength = maxApplicationPayload(link.maxMacPayloadBytes);
    if (request.payload.length > maxLength)
      throw errors.payloadTooLong({
        length: request.payload.length,
        data_rate_index: link.dataRateIndex,
        max_length: maxLength,
      });
    this.#uplinks.push({ ...request, payload: request.payload.slice() });
    this.#changed();
  }

  #requestOf(wanted: UplinkOrder): UplinkRequest {
    return {
      ...wanted,
      fPort: wanted.fPort ?? this.config.fPort,
      payload: wanted.payload ?? this.#produce(),
    };
  }

  /** Asks the network for margin and gateway count with the next uplink. */
  requestLinkCheck(): void {
    this.#joinedLink().requestLinkCheck();
  }

  /** Asks the network for its time with the next uplink. */
  requestDeviceTime(): void {
    this.#joinedLink().requestDeviceTime();
  }

  /** Changes the seconds between uplinks; 0 sends only on demand. */
  setIntervalS(intervalS: number): void {
    this.#intervalS = intervalS;
    this.#scheduleNextPeriodic();
    this.#changed();
  }

  #joinedLink(): DeviceLinkLayer {
    if (!this.#link || this.#activation.joining)
      throw errors.notJoined({ device_id: this.config.id });
    return this.#link;
  }

  /** Goes on with a session, or without one. */
  #enter(link: DeviceLinkLayer | undefined): void {
    this.#link = link;
    if (link) this.#activation.rejoins.begin(this.#clock.monotonic(), link.session.nextFCntUp);
    this.#tune();
  }

  #onSession(link: DeviceLinkLayer): void {
    this.#uplinks.giveUp();
    this.#enter(link);
    this.#schedulePeriodicSoon();
  }

  /** A device of class C listens in its RX2 parameters, which MAC commands change. */
  #tune(): void {
    const isClassC = this.config.deviceClass === 'C';
    this.#transmitter.listen(isClassC ? this.#link?.settings : undefined);
  }

  #changed(): void {
    this.#arm();
    this.#options.onChange();
  }

  /** Replaces the one timer by that of the next plan. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const plan = this.#transmitter.busy ? undefined : this.#plan();
    if (!plan) return;
    this.#timer = this.#clock.setTimer(Math.max(0, plan.atMs - this.#clock.monotonic()), () => {
      this.#timer = undefined;
      plan.run();
    });
  }

  #plan(): Plan | undefined {
    const atMs = this.#transmitter.notBeforeMs;
    if (this.#activation.joining) return { atMs, run: () => this.#transmitJoinRequest() };
    const link = this.#link;
    if (!link) return undefined;
    const uplink = this.#planUplink(link);
    const rejoin = this.#activation.rejoins.next(link, this.#clock.monotonic());
    const rejoinMs = Math.max(atMs, rejoin?.atMs ?? 0);
    if (rejoin && (!uplink || rejoinMs <= uplink.atMs))
      return { atMs: rejoinMs, run: () => this.#transmitRejoinRequest(link, rejoin) };
    return uplink;
  }

  #planUplink(link: DeviceLinkLayer): Plan | undefined {
    const atMs = this.#transmitter.notBeforeMs;
    if (this.#uplinks.isWaiting) return { atMs, run: () => this.#sendNext(link) };
    if (!this.#running || this.#intervalS === 0) return undefined;
    return {
      atMs: Math.max(atMs, this.#nextPeriodicMs),
      run: () => this.#sendPeriodic(link),
    };
  }

  #schedulePeriodicSoon(): void {
    this.#nextPeriodicMs = this.#clock.monotonic() + 1000 + this.#random() * 2000;
  }

  #scheduleNextPeriodic(): void {
    const jitter = this.config.intervalJitter ?? DEFAULT_JITTER;
    const factor = 1 + jitter * (2 * this.#random() - 1);
    this.#nextPeriodicMs = this.#clock.monotonic() + this.#intervalS * 1000 * factor;
  }

  #beginJoin(): void {
    this.#enter(undefined);
    this.#uplinks.clear();
    this.#activation.beginJoin();
  }

  #transmitJoinRequest(): void {
    this.#activation.transmitJoinRequest();
    this.#changed();
  }

  #transmitRejoinRequest(link: DeviceLinkLayer, due: DueRejoin): void {
    if (!this.#activation.transmitRejoinRequest(link, due)) {
      this.#report.problem('RJcount is used up; the device joins anew.');
      this.#beginJoin();
    }
    this.#changed();
  }

  #sendPeriodic(link: DeviceLinkLayer): void {
    this.#scheduleNextPeriodic();
    const confirmed = this.#random() < (this.config.confirmedRatio ?? 0);
    this.#uplinks.push(this.#requestOf({ confirmed, ...this.#script.next() }));
    this.#sendNext(link);
  }

  #sendNext(link: DeviceLinkLayer): void {
    if (link.isAbandoned) {
      this.#report.problem('The network never confirmed the keys of the session.');
      this.#beginJoin();
      this.#changed();
      return;
    }
    const outgoing = this.#uplinks.next(link);
    if (outgoing) this.#transmit(link, outgoing);
    this.#changed();
  }

  #transmit(link: DeviceLinkLayer, { fault, frame, isRepetition }: OutgoingFrame): void {
    const { settings } = link;
    const isSent = this.#transmitter.send({
      frame: (place) => {
        const phyPayload = frame(place);
        this.#uplinks.sent(phyPayload);
        return phyPayload;
      },
      fault,
      isRepetition,
      settings,
      dataRateIndex: link.dataRateIndex,
      delays: [settings.rx1DelayS, settings.rx1DelayS + 1],
      onFrame: (signal, window) => this.#onDataFrame(link, signal, window),
      onDone: () => this.#afterData(link),
    });
    if (!isSent) this.#uplinks.giveUp();
  }

  #onContinuous(signal: Signal): void {
    const link = this.#link;
    if (!link) return;
    this.#onDataFrame(link, signal, 'RXC');
    this.#pauseIfPressing();
    this.#changed();
  }

  #onDataFrame(link: DeviceLinkLayer, signal: Signal, window: ReceivedDownlink['window']): boolean {
    const downlink = link.receive(signal, window === 'RXC');
    if ('reason' in downlink) {
      if (downlink.forUs) this.#report.problem(downlink.reason);
      return false;
    }
    this.#report.receivedCount += 1;
    this.#applyDownlink(downlink, window);
    this.#tune();
    return true;
  }

  #applyDownlink(downlink: AcceptedDownlink, window: ReceivedDownlink['window']): void {
    const { application, confirmed, fullFCnt: fCnt } = downlink;
    if (downlink.problem) this.#report.problem(downlink.problem);
    for (const effect of downlink.effects) this.#applyEffect(effect);
    this.#uplinks.answered(downlink);
    if (!application) return;
    this.#report.downlink({ ...application, fCnt, confirmed });
    this.#options.onDownlink({ ...application, fCnt, confirmed, window });
  }

  #applyEffect(effect: MacEffect): void {
    if (effect.kind === 'link_check') this.#report.linkCheck = effect.linkCheck;
    if (effect.kind === 'device_time') this.#report.deviceTime = effect.time;
    if (effect.kind === 'force_rejoin')
      this.#activation.rejoins.force(effect.rejoin, this.#clock.monotonic());
  }

  #pauseIfPressing(): void {
    if (this.#uplinks.isPressing) this.#transmitter.pause(1000, 3000);
  }

  #afterData(link: DeviceLinkLayer): void {
    this.#uplinks.windowsOver();
    if (link === this.#link) this.#pauseIfPressing();
    this.#changed();
  }
}
