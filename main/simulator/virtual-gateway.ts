import type { Clock, Timer } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import {
  type GatewayLink,
  type LinkSink,
  type ListenBeforeTalk,
  outputPowerDbm,
  type TxAcknowledgment,
  type TxRequest,
} from '../base/gateway-link.ts';
import type { Logger } from '../base/logger.ts';
import { timeOnAirUs } from '../lorawan/index.ts';
import type { Air, AirListener, Emission, Position, Signal } from './air.ts';

export interface VirtualGatewayOptions {
  /** Id of the link's settings row. */
  readonly id: string;
  /** 16 upper-case hex digits. */
  readonly gatewayEui: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly air: Air;
  readonly position?: Position;
  /** Frequencies it listens to; without them it hears every channel. */
  readonly receiveFrequenciesHz?: readonly number[];
  /** Value of the concentrator's counter when the monotonic clock was 0. */
  readonly timestampOffsetUs?: number;
  /** Interval of its status reports; 0 sends none. Default 30 s. */
  readonly statusIntervalMs?: number;
  /** Whether it knows GPS time, which is that of this computer. Default true. */
  readonly hasGps?: boolean;
  /** Place on earth for its status reports. */
  readonly location?: {
    readonly latitude: number;
    readonly longitude: number;
    readonly altitudeM: number;
  };
}

export interface VirtualGateway extends GatewayLink {
  readonly gatewayEui: string;
  /** Present value of the concentrator's 32-bit microsecond counter. */
  concentratorTimestampUs(): number;
}

const COUNTER_RANGE = 2 ** 32;
const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
/** GPS time is ahead of UTC by so much since 2017. */
const LEAP_SECONDS_MS = 18_000;
/** What a packet forwarder's just-in-time queue needs before a transmission: start, margin and queue delay. */
const LATEST_LEAD_US = 1_500 + 1_000 + 40_000;
/** Longest time ahead such a queue accepts: four beacon periods. */
const EARLIEST_LEAD_US = 4 * 128_000_000;
const IMMEDIATE_LEAD_US = 1_500;
/** What its radios reach: one for all bands below 1 GHz, one for 2.4 GHz. */
const TX_RANGES_HZ = [
  [150_000_000, 960_000_000],
  [2_400_000_000, 2_500_000_000],
] as const;
const MAX_EIRP_DBM = 30;
const DEFAULT_STATUS_INTERVAL_MS = 30_000;
/** Past transmissions are remembered this long, to tell which uplinks the busy transmitter drowned. */
const MEMORY_US = 10_000_000;

interface Counters {
  received: number;
  requested: number;
  transmitted: number;
}

const noCounters = (): Counters => ({ received: 0, requested: 0, transmitted: 0 });

/** Difference of two 32-bit counters as a signed number. */
function signedDifference(left: number, right: number): number {
  return (left - right) | 0;
}

function refused(result: TxAcknowledgment['result'], detail: string): TxAcknowledgment {
  return { result, detail, roundTripMs: 0 };
}

class VirtualGatewayLink implements VirtualGateway {
  readonly id: string;
  readonly kind = 'virtual';
  readonly gatewayEui: string;
  readonly capabilities = {
    leadTimeMs: 50,
    singleChannel: false,
    maxEirpDbm: MAX_EIRP_DBM,
  } as const;
  readonly #options: VirtualGatewayOptions;
  readonly #air: Air;
  readonly #logger: Logger;
  readonly #position: Position;
  readonly #heard: ReadonlySet<number> | undefined;
  #sink: LinkSink | undefined;
  #detach: (() => void) | undefined;
  #statusTimer: Timer | undefined;
  #counters = noCounters();
  #queue: readonly Emission[] = [];
  readonly #hasGps: boolean;

  constructor(options: VirtualGatewayOptions) {
    this.#options = options;
    this.id = options.id;
    this.gatewayEui = options.gatewayEui;
    this.#air = options.air;
    this.#hasGps = options.hasGps ?? true;
    this.#logger = options.logger.area('virtual_gateway');
    this.#position = options.position ?? { xM: 0, yM: 0 };
    this.#heard = options.receiveFrequenciesHz && new Set(options.receiveFrequenciesHz);
  }

  concentratorTimestampUs(): number {
    return this.#counterAt(this.#air.nowUs());
  }

  async start(sink: LinkSink): Promise<void> {
    if (this.#sink) return;
    this.#sink = sink;
    this.#detach = this.#air.attach({
      position: this.#position,
      hear: (signal) => this.#hear(signal),
    });
    sink.state({ phase: 'running' });
    sink.connected({ gatewayEui: this.gatewayEui, protocol: 'virtual', downlinkReady: true });
    this.#armStatus();
  }

  async transmit(request: TxRequest): Promise<TxAcknowledgment> {
    try {
      return this.#schedule(request);
    } catch (error) {
      this.#logger.error(
        { gatewayEui: this.gatewayEui, error },
        'a downlink could not be put on the air',
      );
      return refused('unknown', errorText(error));
    }
  }

  async stop(): Promise<void> {
    const sink = this.#sink;
    if (!sink) return;
    this.#sink = undefined;
    this.#detach?.();
    this.#statusTimer?.cancel();
    this.#queue = [];
    sink.disconnected(this.gatewayEui, 'The virtual gateway was stopped.');
    sink.state({ phase: 'stopped' });
  }

  #counterAt(airUs: number): number {
    return (airUs + (this.#options.timestampOffsetUs ?? 0)) % COUNTER_RANGE;
  }

  /** GPS time at a moment on air. */
  #gpsTimeMsAt(airUs: number): number {
    const wallMs = this.#options.clock.now() + (airUs - this.#air.nowUs()) / 1000;
    return wallMs - GPS_EPOCH_MS + LEAP_SECONDS_MS;
  }

  #isTransmitting(startUs: number, endUs: number): boolean {
    const oldestUs = this.#air.nowUs() - MEMORY_US;
    this.#queue = this.#queue.filter((emission) => emission.endUs > oldestUs);
    return this.#queue.some((emission) => emission.startUs < endUs && startUs < emission.endUs);
  }

  #hear({ emission, rssiDbm, snrDb }: Signal): ReturnType<AirListener['hear']> {
    if (!this.#sink || (this.#heard && !this.#heard.has(emission.frequencyHz)))
      return 'not_listening';
    if (this.#isTransmitting(emission.startUs, emission.endUs)) return 'gateway_transmitting';
    this.#counters.received += 1;
    this.#sink.uplink({
      gatewayEui: this.gatewayEui,
      phyPayload: emission.phyPayload.slice(),
      frequencyHz: emission.frequencyHz,
      modulation: emission.modulation,
      crc: 'ok',
      concentratorTimestampUs: this.#counterAt(emission.endUs),
      gatewayTimeMs: Math.round(this.#options.clock.now()),
      ...(this.#hasGps && { gpsTimeMs: Math.round(this.#gpsTimeMsAt(emission.endUs)) }),
      antennas: [
        {
          antennaIndex: 0,
          channelRssiDbm: Math.round(rssiDbm),
          snrDb: Math.round(snrDb * 4) / 4,
        },
      ],
    });
    return 'heard';
  }

  #armStatus(): void {
    const intervalMs = this.#options.statusIntervalMs ?? DEFAULT_STATUS_INTERVAL_MS;
    if (intervalMs > 0)
      this.#statusTimer = this.#options.clock.setTimer(intervalMs, () => this.#reportStatus());
  }

  #reportStatus(): void {
    const { received, requested, transmitted } = this.#counters;
    this.#counters = noCounters();
    this.#sink?.status({
      gatewayEui: this.gatewayEui,
      gatewayTimeMs: Math.round(this.#options.clock.now()),
      receivedCount: received,
      receivedOkCount: received,
      forwardedCount: received,
      acknowledgedPercent: 100,
      downlinkReceivedCount: requested,
      transmittedCount: transmitted,
      ...this.#options.location,
      versions: { firmware: 'virtual' },
    });
    this.#armStatus();
  }

  /** Start on air, or why the request cannot be met. */
  #startOf(request: TxRequest): number | TxAcknowledgment {
    const nowUs = this.#air.nowUs();
    switch (request.time.kind) {
      case 'immediate':
        return nowUs + IMMEDIATE_LEAD_US;
      case 'gps': {
        if (!this.#hasGps)
          return refused('gps_unlocked', 'This virtual gateway has no GPS receiver.');
        const leadMs = request.time.gpsTimeMs - this.#gpsTimeMsAt(nowUs);
        return this.#queued(nowUs, Math.round(leadMs * 1000));
      }
      case 'timestamp': {
        const { concentratorTimestampUs } = request.time;
        return this.#queued(
          nowUs,
          signedDifference(concentratorTimestampUs, this.#counterAt(nowUs)),
        );
      }
    }
  }

  /** The time is neither too near nor too far for the queue. */
  #queued(nowUs: number, leadUs: number): number | TxAcknowledgment {
    if (leadUs <= LATEST_LEAD_US)
      return refused('too_late', `Asked ${Math.round(leadUs / 1000)} ms before its time.`);
    if (leadUs > EARLIEST_LEAD_US)
      return refused('too_early', `Asked ${Math.round(leadUs / 1e6)} s before its time.`);
    return nowUs + leadUs;
  }

  #schedule(request: TxRequest): TxAcknowledgment {
    this.#counters.requested += 1;
    if (!this.#sink) return refused('no_acknowledgment', 'The virtual gateway is stopped.');
    const { frequencyHz, modulation, invertPolarization } = request;
    if (!TX_RANGES_HZ.some(([low, high]) => frequencyHz >= low && frequencyHz <= high))
      return refused('tx_freq', `${frequencyHz} Hz is outside the radio's range.`);
    const startUs = this.#startOf(request);
    if (typeof startUs !== 'number') return startUs;
    const endUs = startUs + timeOnAirUs(modulation, request.phyPayload.length);
    if (this.#isTransmitting(startUs, endUs))
      return refused('collision_packet', 'Another downlink occupies the transmitter then.');
    const outputDbm = outputPowerDbm(request);
    const eirpDbm = request.eirpDbm - Math.max(0, outputDbm - MAX_EIRP_DBM);
    const emission: Emission = {
      phyPayload: request.phyPayload.slice(),
      frequencyHz,
      modulation,
      invertPolarization,
      startUs,
      endUs,
      eirpDbm,
      from: this.#position,
    };
    this.#queue = [...this.#queue, emission];
    this.#radiate(emission, request.listenBeforeTalk);
    return {
      result: 'success',
      roundTripMs: 0,
      ...(eirpDbm < request.eirpDbm && { transmittedEirpDbm: eirpDbm }),
    };
  }

  /** Like a concentrator, it finds the channel busy only after it accepted the frame, and tells nobody. */
  #radiate(emission: Emission, listen: ListenBeforeTalk | undefined): void {
    const send = (): void => {
      this.#air.sendDownlink(emission);
      this.#counters.transmitted += 1;
    };
    if (!listen) {
      send();
      return;
    }
    const { startUs, frequencyHz } = emission;
    this.#options.clock.setTimer((startUs - this.#air.nowUs()) / 1000, () => {
      const fromUs = startUs - listen.scanTimeUs;
      const heardDbm = this.#air.levelDbm(
        { fromUs, untilUs: startUs, frequencyHz, position: this.#position },
        emission,
      );
      if (heardDbm + listen.rssiOffsetDb < listen.rssiTargetDbm) send();
      else this.#queue = this.#queue.filter((other) => other !== emission);
    });
  }
}

/** A gateway without hardware: hears simulated devices and transmits to them, with a real forwarder's manners. */
export function createVirtualGateway(options: VirtualGatewayOptions): VirtualGateway {
  return new VirtualGatewayLink(options);
}
