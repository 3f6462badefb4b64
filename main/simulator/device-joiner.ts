import type { SimulatedDeviceConfig } from './device-config.ts';
import {
  buildJoinRequest,
  buildRejoinRequest,
  type JoinAttempt,
  type RootKeys,
  rootKeysOf,
} from './device-join.ts';
import type { DeviceMemory } from './device-memory.ts';
import { countsJoins, type RadioSettings } from './device-radio-settings.ts';
import type { DeviceSession, RejoinType } from './device-session.ts';
import { type Random, randomBelow } from './seeded-random.ts';

/** A join- or rejoin-request ready for the air. */
export interface PreparedJoin {
  readonly phyPayload: Uint8Array;
  readonly dataRateIndex: number;
  readonly attempt: JoinAttempt;
}

const COUNTER_RANGE = 0x1_0000;
const FIRST_BACK_OFF_MS = 10_000;
const LONGEST_BACK_OFF_MS = 600_000;

/** Nonces and attempts of a device's joins over its life. */
export class DeviceJoiner {
  readonly roots: RootKeys;
  /** Attempts since the join began. */
  attempts = 0;
  lastDevNonce: number | undefined;
  lastJoinNonce: number | undefined;
  readonly #config: SimulatedDeviceConfig;
  readonly #random: Random;
  readonly #firstDevNonce: number | undefined;
  readonly #usedDevNonces: Set<number>;
  #nextRjCount1: number;

  constructor(
    config: SimulatedDeviceConfig,
    activation: { readonly appKey: Uint8Array; readonly nwkKey?: Uint8Array },
    random: Random,
    memory: DeviceMemory | undefined,
  ) {
    this.roots = rootKeysOf(config, activation);
    this.#config = config;
    this.#random = random;
    this.#firstDevNonce = config.firstDevNonce ?? (countsJoins(config.macVersion) ? 0 : undefined);
    this.#usedDevNonces = new Set(memory?.devNonces);
    this.lastDevNonce = memory?.devNonces.at(-1);
    this.lastJoinNonce = memory?.lastJoinNonce;
    this.#nextRjCount1 = memory?.nextRjCount1 ?? 0;
  }

  /** What has to outlast a loss of power, so that no nonce is used twice. */
  memory(): Omit<DeviceMemory, 'session'> {
    const { lastJoinNonce } = this;
    return {
      devNonces: [...this.#usedDevNonces],
      ...(lastJoinNonce !== undefined && { lastJoinNonce }),
      ...(this.#nextRjCount1 > 0 && { nextRjCount1: this.#nextRjCount1 }),
    };
  }

  /** Next join-request; `settings` are those after power-up. */
  prepare(settings: RadioSettings): PreparedJoin {
    const nonce = this.#nextDevNonce();
    const dataRateIndex = settings.region.joinDataRate(settings.dataRateIndex, this.attempts);
    this.lastDevNonce = nonce;
    this.attempts += 1;
    return {
      phyPayload: buildJoinRequest(this.#config, this.roots.nwkKey, nonce),
      dataRateIndex,
      attempt: this.#attempt(nonce, settings),
    };
  }

  /**
   * Next rejoin-request. RJcount0 is the session's; it must not wrap, so undefined when it is used up.
   *
   * @param settings those after power-up, for type 2 those in use
   */
  prepareRejoin(
    rejoinType: RejoinType,
    dataRateIndex: number,
    settings: RadioSettings,
    session: DeviceSession,
  ): PreparedJoin | undefined {
    const nonce = rejoinType === 1 ? this.#nextRjCount1 : session.nextRjCount0;
    if (nonce >= COUNTER_RANGE) return undefined;
    if (rejoinType === 1) this.#nextRjCount1 += 1;
    else session.nextRjCount0 += 1;
    return {
      phyPayload: buildRejoinRequest(this.#config, rejoinType, nonce, this.roots, session),
      dataRateIndex,
      attempt: { ...this.#attempt(nonce, settings), rejoinType },
    };
  }

  /** Pause before the next attempt; it doubles with each one. */
  get backOffMs(): number {
    return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.attempts - 1));
  }

  #attempt(nonce: number, settings: RadioSettings): JoinAttempt {
    const { lastJoinNonce, roots } = this;
    return { config: this.#config, roots, nonce, lastJoinNonce, settings };
  }

  #nextDevNonce(): number {
    const first = this.#firstDevNonce;
    const used = this.#usedDevNonces;
    if (used.size >= COUNTER_RANGE) used.clear();
    let devNonce =
      first === undefined
        ? randomBelow(this.#random, COUNTER_RANGE)
        : (first + used.size) % COUNTER_RANGE;
    while (used.has(devNonce)) devNonce = (devNonce + 1) % COUNTER_RANGE;
    used.add(devNonce);
    return devNonce;
  }
}
