import type { AesKey } from '../lorawan/index.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { buildJoinRequest, type JoinAttempt, joinDataRate } from './device-join.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import { type Random, randomBelow } from './seeded-random.ts';

/** A join-request ready for the air. */
export interface PreparedJoin {
  readonly phyPayload: Uint8Array;
  readonly dataRateIndex: number;
  readonly attempt: JoinAttempt;
}

const DEV_NONCE_RANGE = 0x1_0000;
const FIRST_BACK_OFF_MS = 10_000;
const LONGEST_BACK_OFF_MS = 600_000;

/** Nonces and attempts of a device's joins over its life. */
export class DeviceJoiner {
  /** Attempts since the join began. */
  attempts = 0;
  lastDevNonce: number | undefined;
  lastJoinNonce: number | undefined;
  readonly #config: SimulatedDeviceConfig;
  readonly #appKey: AesKey;
  readonly #random: Random;
  readonly #usedDevNonces: Set<number>;

  constructor(
    config: SimulatedDeviceConfig,
    appKey: AesKey,
    random: Random,
    memory: DeviceMemory | undefined,
  ) {
    this.#config = config;
    this.#appKey = appKey;
    this.#random = random;
    this.#usedDevNonces = new Set(memory?.devNonces);
    this.lastDevNonce = memory?.devNonces.at(-1);
    this.lastJoinNonce = memory?.lastJoinNonce;
  }

  /** What has to outlast a loss of power, so that no nonce is used twice. */
  memory(): Omit<DeviceMemory, 'session'> {
    const { lastJoinNonce } = this;
    const devNonces = [...this.#usedDevNonces];
    return { devNonces, ...(lastJoinNonce !== undefined && { lastJoinNonce }) };
  }

  /** Next join-request; `settings` are those after power-up. */
  prepare(settings: RadioSettings): PreparedJoin {
    const devNonce = this.#nextDevNonce();
    const dataRateIndex = joinDataRate(settings.region, settings.dataRateIndex, this.attempts);
    this.lastDevNonce = devNonce;
    this.attempts += 1;
    return {
      phyPayload: buildJoinRequest(this.#config, this.#appKey, devNonce),
      dataRateIndex,
      attempt: {
        appKey: this.#appKey,
        devNonce,
        lastJoinNonce: this.lastJoinNonce,
        settings,
      },
    };
  }

  /** Pause before the next attempt; it doubles with each one. */
  get backOffMs(): number {
    return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.attempts - 1));
  }

  #nextDevNonce(): number {
    const { firstDevNonce } = this.#config;
    const used = this.#usedDevNonces;
    if (used.size >= DEV_NONCE_RANGE) used.clear();
    let devNonce =
      firstDevNonce === undefined
        ? randomBelow(this.#random, DEV_NONCE_RANGE)
        : (firstDevNonce + used.size) % DEV_NONCE_RANGE;
    while (used.has(devNonce)) devNonce = (devNonce + 1) % DEV_NONCE_RANGE;
    used.add(devNonce);
    return devNonce;
  }
}
