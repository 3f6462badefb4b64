/**
 * The seam between gateways and the network core: whatever hears frames implements {@link GatewayLink}, and nothing
 * above it knows which kind it is.
 */

/** Modulation and its parameters as measured or requested on air. */
export type Modulation =
  | {
      readonly kind: 'lora';
      readonly spreadingFactor: number;
      readonly bandwidthHz: number;
      /** "4/5" … "4/8", and the long-interleaved "4/5LI" … in 2.4 GHz. */
      readonly codingRate: string;
    }
  | { readonly kind: 'fsk'; readonly bitRate: number }
  | {
      readonly kind: 'lrfhss';
      readonly modulationType: number;
      readonly operatingChannelWidthHz: number;
      readonly codingRate: string;
    };

/** What one antenna of a gateway measured. Values the hardware does not know are absent, never zero. */
export interface AntennaReception {
  readonly antennaIndex: number;
  readonly channelRssiDbm?: number;
  readonly signalRssiDbm?: number;
  readonly snrDb?: number;
  readonly frequencyOffsetHz?: number;
  readonly fineTimestampNs?: number;
  readonly ifChannel?: number;
  readonly rfChain?: number;
}

export type CrcStatus = 'ok' | 'bad' | 'none';

/** One frame as one gateway heard it. Every uplink has this form, whatever its link. */
export interface GatewayUplink {
  /** Gateway EUI, 16 upper-case hex digits. */
  readonly gatewayEui: string;
  readonly phyPayload: Uint8Array;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  /** Absent when the gateway does not say. */
  readonly crc?: CrcStatus;
  /** The concentrator's own 32-bit microsecond counter at the end of the frame; wraps about every 71.6 min. */
  readonly concentratorTimestampUs: number;
  /**
   * The end of the frame on this computer's monotonic clock, where the link can tell it: over a slow serial line a
   * frame arrives long after it ended, and its windows are counted from the end. Absent: it ended just now.
   */
  readonly endedMonotonicMs?: number;
  /** Wall clock of the gateway, milliseconds since 1970. */
  readonly gatewayTimeMs?: number;
  /** Milliseconds since the GPS epoch (1980-01-06), without leap seconds. */
  readonly gpsTimeMs?: number;
  /** At least one, strongest first. */
  readonly antennas: readonly AntennaReception[];
}

/** When a downlink leaves the antenna. */
export type TransmitTime =
  | { readonly kind: 'timestamp'; readonly concentratorTimestampUs: number }
  | { readonly kind: 'gps'; readonly gpsTimeMs: number }
  | { readonly kind: 'immediate' };

/** One frame to transmit. Every downlink has this form, whatever its link. */
export interface TxRequest {
  readonly gatewayEui: string;
  readonly phyPayload: Uint8Array;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  /** Power at the antenna as the regional rules count it (EIRP). */
  readonly eirpDbm: number;
  readonly antennaIndex: number;
  /** Gain of that antenna, in dBi; 0 unless given. See {@link outputPowerDbm}. */
  readonly antennaGainDbi?: number;
  readonly invertPolarization: boolean;
  readonly payloadCrc: boolean;
  readonly time: TransmitTime;
  /** How the channel has to be before the transmission; only links whose hardware can listen heed it. */
  readonly listenBeforeTalk?: ListenBeforeTalk;
}

/** A transmitter listens first, and stays silent if the channel is louder than the target. */
export interface ListenBeforeTalk {
  readonly rssiTargetDbm: number;
  /** Added to what the receiver reads. */
  readonly rssiOffsetDb: number;
  readonly scanTimeUs: number;
}

/** What a transmitter puts out so that its antenna, whose gain is known, radiates the wanted EIRP. */
export function outputPowerDbm({
  eirpDbm,
  antennaGainDbi = 0,
}: Pick<TxRequest, 'eirpDbm' | 'antennaGainDbi'>): number {
  // To a thousandth: 16.15 - 2.15 is 13.999… in binary, and gains come in single precision.
  return Math.round((eirpDbm - antennaGainDbi) * 1000) / 1000;
}

export type TxResult =
  | 'success'
  | 'unknown'
  | 'too_late'
  | 'too_early'
  | 'collision_packet'
  | 'collision_beacon'
  | 'tx_freq'
  | 'tx_power'
  | 'gps_unlocked'
  /** The link went away, or no acknowledgement came in time. */
  | 'no_acknowledgment';

/** What became of a transmit request. */
export interface TxAcknowledgment {
  readonly result: TxResult;
  /** The gateway's own words where it used some. */
  readonly detail?: string;
  /** EIRP really radiated when the gateway had to lower it. */
  readonly transmittedEirpDbm?: number;
  /**
   * Time from handing the request to the gateway until it answered that it took it. Absent where the answer comes only
   * after the frame was on air: lead times are derived from this.
   */
  readonly roundTripMs?: number;
}

/** Periodic statistics and position a gateway reports about itself. Counters are per report interval. */
export interface GatewayStatus {
  readonly gatewayEui: string;
  readonly gatewayTimeMs?: number;
  readonly receivedCount?: number;
  readonly receivedOkCount?: number;
  readonly forwardedCount?: number;
  readonly acknowledgedPercent?: number;
  readonly downlinkReceivedCount?: number;
  readonly transmittedCount?: number;
  readonly temperatureCelsius?: number;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly altitudeM?: number;
  /** Further numbers under the gateway's own names. */
  readonly furtherMetrics?: Readonly<Record<string, number>>;
  /** Further values in the gateway's own words, e.g. its firmware. */
  readonly versions?: Readonly<Record<string, string>>;
}

export type LinkKind = 'semtech_udp' | 'at_modem' | 'virtual';

/** Where a link stands. A cause is present whenever something is wrong. */
export interface LinkState {
  readonly phase: 'stopped' | 'starting' | 'running' | 'waiting' | 'failed';
  /** Stable code such as `gatehouse/link:port_busy`. */
  readonly causeCode?: string;
  /** What happened and what to do, in a sentence. */
  readonly causeText?: string;
  /** Address or device the link uses, e.g. `127.0.0.1:1700` or `/dev/ttyUSB0`. */
  readonly address?: string;
}

/** How a gateway reached us over a link. */
export interface GatewayConnection {
  readonly gatewayEui: string;
  /** `udp`, `at_modem`, `virtual`. */
  readonly protocol: string;
  readonly remoteAddress?: string;
  /** Whether downlinks can be sent to it now. */
  readonly downlinkReady: boolean;
}

/** What a link tells the gateway server. None of these calls throws. */
export interface LinkSink {
  /**
   * Whether a gateway heard for the first time may be served. A link that anybody can send to asks before it keeps
   * anything about a gateway, and counts what it refuses. Absent means yes.
   */
  admits?(gatewayEui: string): boolean;
  /**
   * Whether a gateway is registered as one that has to prove who it is. A link whose protocol cannot ask for that does
   * not serve it. Absent means no.
   */
  needsAuthentication?(gatewayEui: string): boolean;
  uplink(uplink: GatewayUplink): void;
  status(status: GatewayStatus): void;
  /** A gateway appeared, or what is known about its connection changed. */
  connected(connection: GatewayConnection): void;
  disconnected(gatewayEui: string, reason: string): void;
  state(state: LinkState): void;
  /** Something was heard that cannot be used; it is counted under its code and shown. */
  malformed(code: string, detail: string, raw?: Uint8Array): void;
}

/** Length up to which `leadTimeMs` holds: the longest frame of the slow data rates of EU868, MIC included. */
export const USUAL_DOWNLINK_BYTES = 64;

/** Limits the core must respect when it uses a link. */
export interface LinkCapabilities {
  /** How long before its transmission a downlink of up to {@link USUAL_DOWNLINK_BYTES} has to be handed over. */
  readonly leadTimeMs: number;
  /** What each further byte adds to the lead time, where the way to the radio is slow. */
  readonly leadTimePerByteMs?: number;
  /** True if only one channel and data rate is heard (a modem), so most uplinks are missed. */
  readonly singleChannel: boolean;
  /** What the transmitter can put out; with an antenna without gain this is the EIRP. */
  readonly minEirpDbm?: number;
  readonly maxEirpDbm?: number;
}

/** How much reached a link since it was created, in whole pieces such as datagrams. */
export interface LinkInput {
  readonly received: number;
  /** Pieces of which nothing could be used. */
  readonly refused: number;
}

/** One way to hear and to transmit: a UDP listener for many forwarders, a modem, a virtual gateway. */
export interface GatewayLink {
  /** Id of the link's settings row. */
  readonly id: string;
  readonly kind: LinkKind;
  readonly capabilities: LinkCapabilities;
  /** Absent where input does not come in pieces. */
  input?(): LinkInput;
  /** Opens the link; resolves once it runs or waits for its device. Failures are states, not exceptions. */
  start(sink: LinkSink): Promise<void>;
  /** Receive buffer that the system granted, in its own counting; undefined without a socket that is open. */
  readonly receiveBufferBytes?: number | undefined;
  /** Hands a frame to the gateway; resolves with its answer, never rejects. */
  transmit(request: TxRequest): Promise<TxAcknowledgment>;
  stop(): Promise<void>;
}
