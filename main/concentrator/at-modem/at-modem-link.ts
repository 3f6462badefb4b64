import type { Clock, Timer } from '../../base/clock.ts';
import { GatehouseError } from '../../base/errors.ts';
import {
  type GatewayLink,
  type LinkCapabilities,
  type LinkSink,
  outputPowerDbm,
  type TxAcknowledgment,
  type TxRequest,
  USUAL_DOWNLINK_BYTES,
} from '../../base/gateway-link.ts';
import type { Logger } from '../../base/logger.ts';
import { linkErrors, stateWithCause } from '../link-errors.ts';
import { commandErrors } from './at-line-channel.ts';
import { timestampFromMonotonic } from './concentrator-time.ts';
import {
  createE5Driver,
  type E5Driver,
  type E5Packet,
  preparationMs,
  transmitLineMs,
} from './e5-driver.ts';
import { E5_LIMITS } from './lora-e5.ts';
import {
  type ModemPort,
  type OpenPort,
  openError,
  openSerialPort,
  readPermissionFacts,
} from './serial-port.ts';
import { planTransmission, SPARE_MS } from './transmission-plan.ts';

/** How often a missing device is looked for, and a present one looked after. */
const PRESENCE_INTERVAL_MS = 1_500;
/** How often a port that is busy or forbidden is tried again. */
const RETRY_INTERVAL_MS = 5_000;
/** Attempts to configure a device that worked before; it may still be starting up. */
const REOPEN_ATTEMPTS = 10;
/** What the way from the network server may take, so that all of the spare time is there for the preparation. */
const LEAD_MARGIN_MS = 30 + SPARE_MS;

export interface AtModemLinkOptions {
  readonly id: string;
  /** Path of the serial port, e.g. `/dev/ttyUSB0` or `COM3`. */
  readonly path: string;
  readonly baudRate: number;
  /** EUI under which the modem appears as a gateway. */
  readonly gatewayEui: string;
  /** The one channel it hears. */
  readonly channel: {
    readonly frequencyHz: number;
    readonly modulation: { readonly spreadingFactor: number; readonly bandwidthHz: number };
  };
  /**
   * Calibrated delay between the end of the line that sends a frame and the frame's begin on air, together with what
   * the modem needs to report a reception. The time of the lines themselves is computed.
   */
  readonly transmitOffsetMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openPort?: OpenPort;
}

/** A LoRa-E5 modem as a concentrator that hears one channel and one data rate. */
export function createAtModemLink(options: AtModemLinkOptions): GatewayLink {
  return new AtModemLink(options);
}

interface Session {
  readonly port: ModemPort;
  readonly driver: E5Driver;
  /** Set up and hearing; before that, nothing may come between the commands that set it up. */
  listening: boolean;
}

class AtModemLink implements GatewayLink {
  readonly kind = 'at_modem';
  readonly id: string;
  readonly capabilities: LinkCapabilities;
  readonly #options: AtModemLinkOptions;
  #sink: LinkSink | undefined;
  #session: Session | undefined;
  #timer: Timer | undefined;
  /** Counts starts and stops, so that what belongs to an earlier life does nothing. */
  #life = 0;
  #hasWorked = false;
  #failedAttempts = 0;
  #transmitting = false;
  #lastCause: string | undefined;

  constructor(options: AtModemLinkOptions) {
    this.id = options.id;
    this.#options = options;
    const { baudRate } = options;
    const lead = preparationMs(baudRate) + transmitLineMs(USUAL_DOWNLINK_BYTES, baudRate);
    this.capabilities = {
      leadTimeMs: Math.ceil(lead + Math.max(0, options.transmitOffsetMs) + LEAD_MARGIN_MS),
      leadTimePerByteMs: transmitLineMs(1, baudRate) - transmitLineMs(0, baudRate),
      singleChannel: true,
      minEirpDbm: E5_LIMITS.minPowerDbm,
      maxEirpDbm: E5_LIMITS.maxPowerDbm,
    };
  }

  async start(sink: LinkSink): Promise<void> {
    if (this.#sink) return;
    this.#sink = sink;
    this.#life += 1;
    this.#hasWorked = false;
    this.#failedAttempts = 0;
    this.#lastCause = undefined;
    sink.state({ phase: 'starting', address: this.#options.path });
    await this.#open(this.#life);
  }

  async #open(life: number): Promise<void> {
    const { path, baudRate } = this.#options;
    let port: ModemPort;
    try {
      port = await (this.#options.openPort ?? openSerialPort)({ path, baudRate });
    } catch (error) {
      const facts = await readPermissionFacts(path);
      if (life === this.#life) this.#notOpened(life, openError(error, path, facts));
      return;
    }
    const driver = this.#createDriver(port);
    const lost = (): void => this.#lost(life, port);
    port.stream.on('close', lost).on('end', lost).on('error', lost);
    this.#session = { port, driver, listening: false };
    if (life !== this.#life) {
      await this.#closeSession();
      return;
    }
    try {
      const version = await driver.configure();
      if (life !== this.#life || this.#session?.port !== port) return;
      this.#session.listening = true;
      this.#running(life, version);
    } catch (error) {
      if (life !== this.#life || this.#session?.port !== port) return;
      const answer = commandErrors.refused.is(error) ? String(error.attributes.answer) : undefined;
      await this.#closeSession();
      this.#notAModem(life, answer ?? driver.lastRemark);
    }
  }

  #createDriver(port: ModemPort): E5Driver {
    const { clock, baudRate, channel } = this.#options;
    return createE5Driver({
      stream: port.stream,
      clock,
      baudRate,
      receiveConfig: {
        frequencyHz: channel.frequencyHz,
        spreadingFactor: channel.modulation.spreadingFactor,
        bandwidthHz: channel.modulation.bandwidthHz,
        powerDbm: E5_LIMITS.maxPowerDbm,
        payloadCrc: true,
        invertPolarization: false,
      },
      onPacket: (packet) => this.#heard(packet),
      onProblem: (code, detail) => this.#sink?.malformed(code, detail),
    });
  }

  #running(life: number, version: string): void {
    const { path, gatewayEui, logger } = this.#options;
    this.#hasWorked = true;
    this.#failedAttempts = 0;
    this.#lastCause = undefined;
    logger.info({ path, version }, 'modem is listening');
    this.#sink?.state({ phase: 'running', address: path });
    this.#sink?.connected({
      gatewayEui,
      protocol: 'at_modem',
      remoteAddress: path,
      downlinkReady: true,
    });
    this.#sink?.status({ gatewayEui, versions: { model: 'LoRa-E5', firmware: version } });
    this.#later(life, PRESENCE_INTERVAL_MS, () => this.#checkPresence(life));
  }

  /** Serial ports do not always tell that their device went; its node in the file system does. */
  async #checkPresence(life: number): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const present = await session.port.present();
    if (life !== this.#life || this.#session !== session) return;
    if (present) this.#later(life, PRESENCE_INTERVAL_MS, () => this.#checkPresence(life));
    else this.#lost(life, session.port);
  }

  #later(life: number, delayMs: number, run: () => Promise<void>): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      if (life === this.#life) void run();
    });
  }

  #reopenLater(life: number, delayMs: number): void {
    this.#later(life, delayMs, () => this.#open(life));
  }

  /** The port could not be opened: say why, once for each reason, and try again. */
  #notOpened(life: number, cause: GatehouseError): void {
    const missing = linkErrors.notFound.is(cause);
    // A device that worked and is gone has vanished, however often it is looked for.
    const shown =
      missing && this.#hasWorked ? linkErrors.vanished({ port: this.#options.path }) : cause;
    this.#tellCause(missing ? 'waiting' : 'failed', shown);
    this.#reopenLater(life, missing ? PRESENCE_INTERVAL_MS : RETRY_INTERVAL_MS);
  }

  #notAModem(life: number, answer: string | undefined): void {
    const { path, baudRate } = this.#options;
    this.#failedAttempts += 1;
    const cause = linkErrors.notAModem({
      port: path,
      baudRate,
      answer: answer === undefined ? 'no answer' : `it says "${answer}"`,
    });
    const again = this.#hasWorked && this.#failedAttempts < REOPEN_ATTEMPTS;
    this.#tellCause(again ? 'waiting' : 'failed', cause);
    // A device that never answered is left alone: opening its port resets some boards.
    if (again) this.#reopenLater(life, PRESENCE_INTERVAL_MS);
  }

  #tellCause(phase: 'waiting' | 'failed', cause: GatehouseError): void {
    if (this.#lastCause === cause.code) return;
    this.#lastCause = cause.code;
    this.#options.logger.warn({ code: cause.code }, cause.message);
    this.#sink?.state(stateWithCause(phase, cause, this.#options.path));
  }

  #lost(life: number, port: ModemPort): void {
    if (life !== this.#life || this.#session?.port !== port) return;
    void this.#closeSession();
    const cause = linkErrors.vanished({ port: this.#options.path });
    this.#interrupted(cause);
    this.#reopenLater(life, PRESENCE_INTERVAL_MS);
  }

  #interrupted(cause: GatehouseError): void {
    if (this.#hasWorked) this.#sink?.disconnected(this.#options.gatewayEui, cause.message);
    this.#tellCause('waiting', cause);
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    // A port that is being closed may still complain; nobody has to hear it.
    session.port.stream.removeAllListeners().on('error', () => undefined);
    session.driver.close();
    await session.port.close();
  }

  #heard(packet: E5Packet): void {
    const { gatewayEui, channel } = this.#options;
    const { spreadingFactor, bandwidthHz } = channel.modulation;
    this.#sink?.uplink({
      gatewayEui,
      phyPayload: packet.phyPayload,
      frequencyHz: channel.frequencyHz,
      modulation: { kind: 'lora', spreadingFactor, bandwidthHz, codingRate: '4/5' },
      concentratorTimestampUs: timestampFromMonotonic(packet.endedAtMs),
      endedMonotonicMs: packet.endedAtMs,
      antennas: [
        {
          antennaIndex: 0,
          ...(packet.header
            ? { channelRssiDbm: packet.header.rssiDbm, snrDb: packet.header.snrDb }
            : {}),
        },
      ],
    });
  }

  async transmit(request: TxRequest): Promise<TxAcknowledgment> {
    const { clock, baudRate, transmitOffsetMs } = this.#options;
    const nowMs = clock.monotonic();
    const plan = planTransmission(request, { baudRate, transmitOffsetMs, nowMs });
    if (plan.refusal) return plan.refusal;
    const life = this.#life;
    await clock.sleep(Math.max(0, plan.prepareAtMs - clock.monotonic()));
    const session = this.#session;
    if (life !== this.#life || !session?.listening) {
      return { result: 'no_acknowledgment', detail: 'the modem is not there' };
    }
    if (this.#transmitting) {
      return { result: 'collision_packet', detail: 'the modem is busy with another frame' };
    }
    this.#transmitting = true;
    try {
      const acknowledgment = await session.driver.transmit(plan.transmission);
      const { powerDbm } = plan.transmission.radio;
      const lowered = powerDbm < Math.trunc(outputPowerDbm(request));
      // No round trip is told: the modem answers when the frame has left, which says nothing of the way to it.
      return {
        ...acknowledgment,
        ...(lowered ? { transmittedEirpDbm: powerDbm + (request.antennaGainDbi ?? 0) } : {}),
      };
    } catch (error) {
      return this.#brokenOff(life, session, error);
    } finally {
      this.#transmitting = false;
    }
  }

  /** The modem stopped answering in the middle of a transmission: open it anew. */
  #brokenOff(life: number, session: Session, error: unknown): TxAcknowledgment {
    if (!(error instanceof GatehouseError)) throw error;
    if (life === this.#life && this.#session === session) {
      void this.#closeSession();
      this.#interrupted(linkErrors.noAnswer({ port: this.#options.path, reason: error.message }));
      this.#reopenLater(life, PRESENCE_INTERVAL_MS);
    }
    return { result: 'no_acknowledgment', detail: error.message };
  }

  async stop(): Promise<void> {
    const sink = this.#sink;
    if (!sink) return;
    this.#life += 1;
    this.#sink = undefined;
    this.#timer?.cancel();
    const wasOpen = this.#session !== undefined && this.#hasWorked;
    await this.#closeSession();
    if (wasOpen) sink.disconnected(this.#options.gatewayEui, 'the link was stopped');
    sink.state({ phase: 'stopped' });
  }
}
