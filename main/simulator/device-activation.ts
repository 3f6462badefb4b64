import type { Clock } from '../base/clock.ts';
import type { Signal } from './air.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { acceptJoin, JOIN_ACCEPT_DELAY_1_S, JOIN_ACCEPT_DELAY_2_S } from './device-join.ts';
import { DeviceJoiner, type PreparedJoin } from './device-joiner.ts';
import type { DeviceLinkLayer } from './device-link-layer.ts';
import { type DeviceMemory, joinedSession, linkOf, powerUpSettings } from './device-memory.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import type { DeviceRegion } from './device-region.ts';
import { DeviceRejoins, type DueRejoin } from './device-rejoins.ts';
import type { DeviceReport } from './device-report.ts';
import type { DeviceTransmitter } from './device-transmitter.ts';
import type { Random } from './seeded-random.ts';

export interface DeviceActivationOptions {
  readonly config: SimulatedDeviceConfig;
  readonly region: DeviceRegion;
  readonly clock: Clock;
  readonly random: Random;
  readonly memory?: DeviceMemory | undefined;
  readonly transmitter: DeviceTransmitter;
  readonly report: DeviceReport;
  /** A join-accept gave a session. */
  readonly onSession: (link: DeviceLinkLayer) => void;
  /** An attempt is over, with or without a session. */
  readonly onDone: () => void;
}

const JOIN_DELAYS = [JOIN_ACCEPT_DELAY_1_S, JOIN_ACCEPT_DELAY_2_S] as const;

/** How a device gets its sessions: join-requests until one is answered, and rejoin-requests. */
export class DeviceActivation {
  /** Absent when activated by personalization. */
  readonly joiner: DeviceJoiner | undefined;
  readonly rejoins: DeviceRejoins;
  joining = false;
  readonly #options: DeviceActivationOptions;

  constructor(options: DeviceActivationOptions) {
    const { config, memory, random } = options;
    this.#options = options;
    this.rejoins = new DeviceRejoins(random);
    const { activation } = config;
    if (activation.kind === 'otaa')
      this.joiner = new DeviceJoiner(config, activation, random, memory);
  }

  /** Settings after power-up. */
  get freshSettings(): RadioSettings {
    const { config, region } = this.#options;
    return powerUpSettings(config, region);
  }

  /** Begins to join; the first request may go at once. */
  beginJoin(): void {
    const { clock, transmitter } = this.#options;
    this.joining = true;
    if (this.joiner) this.joiner.attempts = 0;
    transmitter.notBeforeMs = clock.monotonic();
  }

  transmitJoinRequest(): void {
    const { joiner } = this;
    if (!joiner) return;
    const settings = this.freshSettings;
    this.#request(joiner, joiner.prepare(settings), settings, () => this.#afterAttempt(joiner));
  }

  /** Sends a rejoin-request of a joined session; false if its counter is used up. */
  transmitRejoinRequest(
    { session, settings }: DeviceLinkLayer,
    { rejoinType, dataRateIndex }: DueRejoin,
  ): boolean {
    const { clock } = this.#options;
    const { joiner } = this;
    if (!joiner) return false;
    this.rejoins.sent(clock.monotonic(), session.nextFCntUp);
    const fresh = this.freshSettings;
    // Type 1 is for a device that lost what the network told it, so it is sent as a join-request is.
    const used = rejoinType === 1 ? fresh : settings;
    const rate =
      rejoinType === 1 ? fresh.region.joinDataRate(fresh.dataRateIndex, 0) : dataRateIndex;
    const after = rejoinType === 2 ? settings : fresh;
    const prepared = joiner.prepareRejoin(rejoinType, rate, after, session);
    if (prepared) this.#request(joiner, prepared, used, this.#options.onDone);
    return prepared !== undefined;
  }

  #request(
    joiner: DeviceJoiner,
    prepared: PreparedJoin,
    settings: RadioSettings,
    onDone: () => void,
  ): void {
    this.#options.transmitter.send({
      frame: () => prepared.phyPayload,
      settings,
      dataRateIndex: prepared.dataRateIndex,
      delays: JOIN_DELAYS,
      onFrame: (signal) => this.#onJoinAccept(joiner, prepared, signal),
      onDone,
    });
  }

  /** Takes a join-accept that answers a join- or rejoin-request. */
  #onJoinAccept(joiner: DeviceJoiner, { attempt }: PreparedJoin, signal: Signal): boolean {
    const { config, onSession, report } = this.#options;
    const result = acceptJoin(attempt, signal.emission.phyPayload);
    if (typeof result === 'string') {
      report.problem(result);
      return false;
    }
    const { devAddr, join, keys, settings } = result;
    this.joining = false;
    joiner.lastJoinNonce = join.joinNonce;
    report.receivedCount += 1;
    onSession(linkOf(config, joinedSession(config, devAddr, keys, join), settings));
    return true;
  }

  #afterAttempt(joiner: DeviceJoiner): void {
    const { onDone, report, transmitter } = this.#options;
    if (this.joining) {
      transmitter.pause(0.8 * joiner.backOffMs, 1.2 * joiner.backOffMs);
      report.problem(
        `Join-request ${joiner.attempts} with DevNonce ${joiner.lastDevNonce} got no valid join-accept.`,
      );
    }
    onDone();
  }
}
