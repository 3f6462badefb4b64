import type { Signal } from './air.ts';
import { afterSilence, asksForDownlink } from './device-adr.ts';
import { type OpenedDownlink, openDownlink, type RefusedDownlink } from './device-downlink.ts';
import {
  deviceModeIndication,
  deviceTimeRequest,
  handleMacCommands,
  indicationCommand,
  linkCheckRequest,
  type MacEffect,
} from './device-mac-commands.ts';
import type { PendingAnswer } from './device-mac-radio.ts';
import { maxMacPayloadBytes, type RadioSettings, usableDataRate } from './device-radio-settings.ts';
import type { DeviceSession } from './device-session.ts';
import {
  buildUplink,
  fitsTogether,
  fittingAnswers,
  type SignableFrame,
  type UplinkRequest,
} from './device-uplink.ts';

/** A frame that lacks only its MIC. */
export interface PreparedUplink {
  readonly frame: SignableFrame;
  readonly fCnt: number;
  readonly confirmed: boolean;
  /** The payload it carries; undefined when MAC answers took the whole frame or there was none. */
  readonly carries: UplinkRequest | undefined;
}

/** What a downlink meant for the device. */
export interface AcceptedDownlink extends OpenedDownlink {
  readonly effects: readonly MacEffect[];
  readonly problem: string | undefined;
}

interface WaitingAnswer extends PendingAnswer {
  readonly sent: boolean;
}

/** Frames, counters, MAC answers and ADR of one session. It neither sends nor waits. */
export class DeviceLinkLayer {
  readonly session: DeviceSession;
  settings: RadioSettings;
  readonly #begun: RadioSettings;
  readonly #adr: boolean;
  readonly #battery: number;
  #answers: readonly WaitingAnswer[] = [];
  /** Counter of a confirmed downlink that waits for its acknowledgment. */
  #acknowledges: number | undefined;

  constructor(
    session: DeviceSession,
    settings: RadioSettings,
    options: { readonly adr: boolean; readonly battery: number },
  ) {
    this.session = session;
    this.settings = settings;
    this.#begun = settings;
    this.#adr = options.adr;
    this.#battery = options.battery;
  }

  /** Data rate the next uplink uses: the one set, as far as the enabled channels and the dwell time allow it. */
  get dataRateIndex(): number {
    return usableDataRate(this.settings, this.settings.dataRateIndex);
  }

  /** M of the next uplink's data rate. */
  get maxMacPayloadBytes(): number {
    return maxMacPayloadBytes(this.settings, this.dataRateIndex);
  }

  /**
   * The network has not confirmed the keys of this session in time, so that it has to be given up.
   * LoRaWAN 1.1 §5.10.
   */
  get isAbandoned(): boolean {
    const { indication, nextFCntUp } = this.session;
    return indication === 'rekey' && nextFCntUp >= this.settings.adrAckLimit;
  }

  /** Puts LinkCheckReq into the next uplink. */
  requestLinkCheck(): void {
    this.#answers = [{ ...linkCheckRequest(), sent: false }, ...this.#answers];
  }

  /** Puts DeviceTimeReq into the next uplink. */
  requestDeviceTime(): void {
    this.#answers = [{ ...deviceTimeRequest(), sent: false }, ...this.#answers];
  }

  /** Builds the next frame and consumes its counter. */
  prepare(request: UplinkRequest | undefined): PreparedUplink {
    const { session } = this;
    this.#meddle(request);
    if (this.#adr) this.settings = afterSilence(this.settings, session.adrAckCount);
    const { answers, carries } = this.#share(request);
    const fCnt = session.nextFCntUp;
    const frame = buildUplink(session, {
      request: carries,
      answers,
      acknowledges: this.#acknowledges,
      adr: this.#adr,
      adrAckReq: this.#adr && asksForDownlink(this.settings, session.adrAckCount),
    });
    session.nextFCntUp = (fCnt + 1) >>> 0;
    session.adrAckCount += 1;
    this.#acknowledges = undefined;
    const sent = new Set(answers);
    this.#answers = this.#answers
      .map((answer) => (sent.has(answer) ? { ...answer, sent: true } : answer))
      .filter((answer) => answer.sticky || !answer.sent);
    return { frame, fCnt, confirmed: carries?.confirmed ?? false, carries };
  }

  /**
   * Verifies a heard frame and applies what it says.
   *
   * @param outsideWindows it came while the device listened in class C
   */
  receive(signal: Signal, outsideWindows: boolean): AcceptedDownlink | RefusedDownlink {
    const { session } = this;
    const { phyPayload } = signal.emission;
    const downlink = openDownlink(session, phyPayload, this.settings.macVersion);
    if ('reason' in downlink) return downlink;
    if (downlink.countedByApplication) session.lastAFCntDown = downlink.fullFCnt;
    else session.lastFCntDown = downlink.fullFCnt;
    // TS001-1.0.4 §4.3.1.1: only class A downlinks count there.
    if (!outsideWindows || this.settings.macVersion !== '1.0.4') session.adrAckCount = 0;
    this.#acknowledges = downlink.confirmed ? downlink.fullFCnt : undefined;
    const outcome = handleMacCommands({
      settings: this.settings,
      commands: downlink.macCommands,
      snrDb: signal.snrDb,
      battery: this.#battery,
    });
    this.settings = outcome.settings;
    for (const effect of outcome.effects) this.#confirm(effect);
    this.#answers = [
      ...this.#answers.filter(({ sent, sticky }) => outsideWindows || !(sticky && sent)),
      ...outcome.answers.map((answer) => ({ ...answer, sent: false })),
    ];
    return { ...downlink, effects: outcome.effects, problem: outcome.problem };
  }

  #confirm({ kind }: MacEffect): void {
    const { session } = this;
    const confirms = { rekey_confirmed: 'rekey', reset_confirmed: 'reset' } as const;
    if (kind === 'mode_confirmed') session.modeDue = false;
    else if (kind === 'rekey_confirmed' || kind === 'reset_confirmed')
      session.indication = session.indication === confirms[kind] ? undefined : session.indication;
  }

  /** Counters as the fault of an uplink wants them; a device that forgot them knows no MAC command either. */
  #meddle(request: UplinkRequest | undefined): void {
    const { session } = this;
    const fault = request?.fault;
    if (fault?.kind === 'skip_counters')
      session.nextFCntUp = (session.nextFCntUp + fault.count) >>> 0;
    if (fault?.kind !== 'reset_counters') return;
    session.nextFCntUp = 0;
    session.lastFCntDown = undefined;
    session.lastAFCntDown = undefined;
    this.settings = this.#begun;
    this.#answers = [];
    this.#acknowledges = undefined;
  }

  /** What stands in every uplink until the network answers it. */
  #indications(): readonly WaitingAnswer[] {
    const { indication, modeDue } = this.session;
    return [
      ...(indication ? [{ ...indicationCommand(indication), sent: true }] : []),
      ...(modeDue ? [{ ...deviceModeIndication(), sent: true }] : []),
    ];
  }

  /** Divides the frame between answers and payload: new answers go first, repeated ones give way. */
  #share(request: UplinkRequest | undefined): {
    readonly answers: readonly WaitingAnswer[];
    readonly carries: UplinkRequest | undefined;
  } {
    const limit = this.maxMacPayloadBytes;
    const indications = this.#indications();
    const waiting = [...indications, ...this.#answers];
    const answers = waiting.slice(0, fittingAnswers(waiting, limit).length);
    if (!request || fitsTogether(request, answers, limit)) return { answers, carries: request };
    const allRepeated = answers.every((answer) => answer.sent);
    return allRepeated && indications.length === 0
      ? { answers: [], carries: request }
      : { answers, carries: undefined };
  }
}
