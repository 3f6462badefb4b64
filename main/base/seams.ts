/** The small interfaces at which the servers meet; `app.ts` connects them. */
import type { GatewayUplink, Modulation, TxAcknowledgment } from './gateway-link.ts';

/** A reception as the gateway server hands it on: stored already, with the time this computer received it. */
export interface ReceivedUplink {
  readonly receptionId: number;
  readonly linkId: string;
  readonly gatewayId: string;
  readonly uplink: GatewayUplink;
  /** Wall clock at arrival. */
  readonly receivedAtMs: number;
  /** Monotonic clock at the end of the frame, as far as the link knows it; all windows are counted from it. */
  readonly receivedMonotonicMs: number;
  /** How long the frame was probably on its way from the gateway to here, as measured; 0 unless given. */
  readonly wayMs?: number | undefined;
  /** What its registration lets others know about the gateway. */
  readonly gateway?: HearingGateway | undefined;
}

/** Settings of a gateway that go with what it hears. */
export interface HearingGateway {
  readonly downlinkPath: 'any' | 'prefer_other' | 'never';
  /** Places of its antennas, as far as they are public. */
  readonly publicLocations: readonly (AntennaPlace | undefined)[];
}

/** Degrees and metres. */
export interface AntennaPlace {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude: number;
  readonly accuracy: number;
  /** How it is known, as the API numbers it. */
  readonly source: number;
}

/** Takes receptions, one call per gateway antenna array that heard the frame. Never throws. */
export interface UplinkHandler {
  handleUplink(received: ReceivedUplink): void;
}

/** Where a device hears a downlink: a window after its uplink, or RX2 parameters all the time (class C). */
export type DownlinkWindow = 'RX1' | 'RX2' | 'immediate';

/** One receive window of a device. */
export interface WindowSettings {
  readonly window: DownlinkWindow;
  /** Time from the end of the uplink to the start of the transmission. */
  readonly delayMs: number;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  readonly maxPhyPayloadBytes: number;
}

/** A class A downlink: bytes, and where and when it may be sent. */
export interface DownlinkRequest {
  readonly phyPayload: Uint8Array;
  /** Receptions of the uplink that opened the windows, best first. */
  readonly paths: readonly ReceivedUplink[];
  readonly windows: readonly WindowSettings[];
  readonly bandId: string;
  /** Version of the regional parameters that the device follows, e.g. `RP002_V1_0_4`; the newest if absent. */
  readonly phyVersion?: string;
  readonly frequencyPlanId: string;
  /** 0 (lowest) to 6 (highest); share of the duty cycle it may use. */
  readonly priority: number;
  /** Ids of what the downlink belongs to, for the events about it. */
  readonly correlationIds?: readonly string[];
  /** What was tried before and is not to be tried again. */
  readonly except?: readonly TriedWindow[];
}

/** A window of a gateway. */
export interface TriedWindow {
  readonly gatewayId: string;
  readonly window: DownlinkWindow;
}

/** A gateway to transmit, and with which of its antennas. */
export interface GatewayChoice {
  readonly gatewayId: string;
  readonly antennaIndex: number;
}

/** A class C downlink: it needs no uplink before it. */
export interface FreeDownlinkRequest extends Omit<DownlinkRequest, 'paths' | 'windows'> {
  readonly window: Omit<WindowSettings, 'delayMs'>;
  /** Best first; one of them transmits. */
  readonly gateways: readonly GatewayChoice[];
  /** Somebody chose these gateways: also one that prefers others keeps its place. */
  readonly keepsOrder?: boolean;
  /** Wall clock of the transmission, milliseconds since 1970; as soon as possible unless given. */
  readonly atMs?: number;
}

/** A downlink a gateway took. */
export interface ScheduledDownlink {
  readonly gatewayId: string;
  readonly antennaIndex: number;
  readonly window: DownlinkWindow;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
  readonly eirpDbm: number;
  /** 0 if the gateway's counter is not known: it transmits at once or by its own clock. */
  readonly concentratorTimestampUs: number;
  /** Time between handing over and transmission. */
  readonly marginMs: number;
  /** Resolves with the gateway's acknowledgement; never rejects. */
  readonly acknowledged: Promise<TxAcknowledgment>;
}

/** Why a window of a gateway could not be used. */
export interface ScheduleRefusal {
  readonly gatewayId: string;
  readonly window: DownlinkWindow;
  readonly cause: string;
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
}

/** A gateway took it, or why none did. Reasons of gateways and windows tried before are kept. */
export type ScheduleResult =
  | {
      readonly ok: true;
      readonly scheduled: ScheduledDownlink;
      readonly refusals: readonly ScheduleRefusal[];
    }
  | { readonly ok: false; readonly refusals: readonly ScheduleRefusal[] };

/** What the network server asks of the gateway server. */
export interface DownlinkScheduler {
  /** How long before the first window the frame has to be ready for these paths. */
  leadTimeMs(paths: readonly ReceivedUplink[]): number;
  /** Tries gateways and windows in order. */
  schedule(request: DownlinkRequest): ScheduleResult;
  /** Tries gateways in order, without an uplink's windows. */
  scheduleFree(request: FreeDownlinkRequest): ScheduleResult;
  /** Why no gateway would take it now; undefined if one would. Nothing is kept or sent. */
  checkFree(request: FreeDownlinkRequest): readonly ScheduleRefusal[] | undefined;
}
