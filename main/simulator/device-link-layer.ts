import type { Signal } from './air.ts';
import { usableDataRate, withDefaultsEnabled } from './device-channels.ts';
import { type OpenedDownlink, openDownlink, type RefusedDownlink } from './device-downlink.ts';
import {
  handleMacCommands,
  type LinkCheck,
  linkCheckRequest,
  type PendingAnswer,
} from './device-mac-commands.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import type { DeviceSession } from './device-session.ts';
import { buildUplink, fitsTogether, fittingAnswers, type UplinkRequest } from './device-uplink.ts';

/** A frame ready for the air. */
export interface PreparedUplink {
  readonly phyPayload: Uint8Array;
  readonly fCnt: number;
  readonly confirmed: boolean;
  /** The payload it carries; undefined when MAC answers took the whole frame or there was none. */
  readonly carries: UplinkRequest | undefined;
}

/** What a downlink meant for the device. */
export interface AcceptedDownlink extends OpenedDownlink {
  readonly linkCheck: LinkCheck | undefined;
  readonly problem: string | undefined;
}

interface WaitingAnswer extends PendingAnswer {
  readonly sent: boolean;
}

/** ADR back-off of both regions. TS001-1.0.3 §4.3.1.1. */
const ADR_ACK_LIMIT = 64;
const ADR_ACK_DELAY = 32;

/** One step of ADR back-off: full power first, then slower, at last all default channels. */
function backedOff(settings: RadioSettings): RadioSettings {
  if (settings.txPowerIndex > 0) return { ...settings, txPowerIndex: 0 };
  if (settings.dataRateIndex > 0) return { ...settings, dataRateIndex: settings.dataRateIndex - 1 };
  return {
    ...settings,
    nbTrans: 1,
    channels: withDefaultsEnabled(settings.region, settings.channels),
  };
}

/** Frames, counters, MAC answers and ADR of one session. It neither sends nor waits. */
export class DeviceLinkLayer {
  readonly session: DeviceSession;
  settings: RadioSettings;
  /** A confirmed downlink waits for its acknowledgment. */
  ackDue = false;
  readonly #adr: boolean;
  readonly #battery: number;
  #answers: readonly WaitingAnswer[] = [];

  constructor(
    session: DeviceSession,
    settings: RadioSettings,
    options: { readonly adr: boolean; readonly battery: number },
  ) {
    this.session = session;
    this.settings = settings;
    this.#adr = options.adr;
    this.#battery = options.battery;
  }

  /** Data rate the next uplink uses: the one set, as far as the enabled channels allow it. */
  get dataRateIndex(): number {
    return usableDataRate(this.settings.channels, this.settings.dataRateIndex);
  }

  /** M of the next uplink's data rate. */
  get maxMacPayloadBytes(): number {
    return this.settings.region.dataRates.get(this.dataRateIndex)?.maxMacPayloadBytes ?? 0;
  }

  /** Puts LinkCheckReq into the next uplink. */
  requestLinkCheck(): void {
    this.#answers = [{ ...linkCheckRequest(), sent: false }, ...this.#answers];
  }

  /** Builds the next frame and consumes its counter. */
  prepare(request: UplinkRequest | undefined): PreparedUplink {
    const { session } = this;
    if (request?.fault?.kind === 'skip_counters')
      session.nextFCntUp = (session.nextFCntUp + request.fault.count) >>> 0;
    this.#backOff();
    const { answers, carries } = this.#share(request);
    const fCnt = session.nextFCntUp;
    const phyPayload = buildUplink(session, {
      request: carries,
      answers,
      ack: this.ackDue,
      adr: this.#adr,
      adrAckReq: this.#adr && session.adrAckCount >= ADR_ACK_LIMIT,
    });
    session.nextFCntUp = (fCnt + 1) >>> 0;
    session.adrAckCount += 1;
    this.ackDue = false;
    this.#answers = this.#answers
      .map((answer, index) => (index < answers.length ? { ...answer, sent: true } : answer))
      .filter((answer) => answer.sticky || !answer.sent);
    return { phyPayload, fCnt, confirmed: carries?.confirmed ?? false, carries };
  }

  /** Verifies a heard frame and applies what it says. */
  receive(signal: Signal): AcceptedDownlink | RefusedDownlink {
    const downlink = openDownlink(this.session, signal.emission.phyPayload);
    if ('reason' in downlink) return downlink;
    this.session.lastFCntDown = downlink.fullFCnt;
    this.session.adrAckCount = 0;
    this.ackDue = downlink.confirmed;
    const outcome = handleMacCommands({
      settings: this.settings,
      commands: downlink.macCommands,
      snrDb: signal.snrDb,
      battery: this.#battery,
    });
    this.settings = outcome.settings;
    this.#answers = [
      ...this.#answers.filter((answer) => !(answer.sticky && answer.sent)),
      ...outcome.answers.map((answer) => ({ ...answer, sent: false })),
    ];
    return { ...downlink, linkCheck: outcome.linkCheck, problem: outcome.problem };
  }

  /** Divides the frame between answers and payload: new answers go first, repeated ones give way. */
  #share(request: UplinkRequest | undefined): {
    readonly answers: readonly WaitingAnswer[];
    readonly carries: UplinkRequest | undefined;
  } {
    const limit = this.maxMacPayloadBytes;
    const answers = this.#answers.slice(0, fittingAnswers(this.#answers, limit).length);
    if (!request || fitsTogether(request, answers, limit)) return { answers, carries: request };
    const allRepeated = answers.every((answer) => answer.sent);
    return allRepeated ? { answers: [], carries: request } : { answers, carries: undefined };
  }

  #backOff(): void {
    const over = this.session.adrAckCount - ADR_ACK_LIMIT;
    if (this.#adr && over >= ADR_ACK_DELAY && over % ADR_ACK_DELAY === 0)
      this.settings = backedOff(this.settings);
  }
}
