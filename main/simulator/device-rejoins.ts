import type { DeviceLinkLayer } from './device-link-layer.ts';
import type { ForcedRejoin } from './device-mac-commands.ts';
import { usableDataRate } from './device-radio-settings.ts';
import type { RejoinType } from './device-session.ts';
import type { Random } from './seeded-random.ts';

/** A rejoin-request and when it is due, on the monotonic clock. */
export interface DueRejoin {
  readonly rejoinType: RejoinType;
  readonly dataRateIndex: number;
  readonly atMs: number;
}

const MOST_RANDOM_S = 32;

/** When a device of LoRaWAN 1.1 sends rejoin-requests: on demand of its user or of the network, and from time to time. */
export class DeviceRejoins {
  readonly #random: Random;
  #ordered: RejoinType | undefined;
  #forced: (ForcedRejoin & { readonly atMs: number }) | undefined;
  /** When the session began, or the last periodic request was sent. */
  #sinceMs = 0;
  #sinceFCnt = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Begins anew with a session. */
  begin(nowMs: number, nextFCntUp: number): void {
    this.#ordered = undefined;
    this.#forced = undefined;
    this.#sinceMs = nowMs;
    this.#sinceFCnt = nextFCntUp;
  }

  /** Wants one as soon as possible. */
  order(rejoinType: RejoinType): void {
    this.#ordered = rejoinType;
  }

  /** Takes a ForceRejoinReq; the first transmission is due at once. */
  force(rejoin: ForcedRejoin, nowMs: number): void {
    this.#forced = { ...rejoin, atMs: nowMs };
  }

  /** The request that is due first. */
  next({ session, settings }: DeviceLinkLayer, nowMs: number): DueRejoin | undefined {
    if (session.minor === 0 || !session.join) return undefined;
    if (this.#ordered !== undefined) {
      const dataRateIndex = usableDataRate(settings, settings.dataRateIndex);
      return { rejoinType: this.#ordered, dataRateIndex, atMs: nowMs };
    }
    const forced = this.#forced;
    if (forced) {
      const { rejoinType, atMs } = forced;
      return { rejoinType, dataRateIndex: usableDataRate(settings, forced.dataRateIndex), atMs };
    }
    const period = settings.rejoinPeriod;
    if (!period) return undefined;
    const isCounted = session.nextFCntUp - this.#sinceFCnt >= period.uplinks;
    return {
      rejoinType: 0,
      dataRateIndex: usableDataRate(settings, settings.dataRateIndex),
      atMs: isCounted ? nowMs : this.#sinceMs + period.seconds * 1000,
    };
  }

  /** One was sent. */
  sent(nowMs: number, nextFCntUp: number): void {
    if (this.#ordered !== undefined) {
      this.#ordered = undefined;
      return;
    }
    const forced = this.#forced;
    if (!forced) {
      this.#sinceMs = nowMs;
      this.#sinceFCnt = nextFCntUp;
      return;
    }
    const pauseMs = 1000 * (forced.periodS + this.#random() * MOST_RANDOM_S);
    const attempts = forced.attempts - 1;
    this.#forced = attempts > 0 ? { ...forced, attempts, atMs: nowMs + pauseMs } : undefined;
  }
}
