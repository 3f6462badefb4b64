import type { DevAddr } from '../lorawan/index.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import type { DeviceTime, LinkCheck } from './device-mac-commands.ts';

export type DeviceState = 'idle' | 'joining' | 'joined';

/** An application payload that went up or came down. Times are wall clock milliseconds since 1970. */
export interface PayloadRecord {
  readonly atMs: number;
  readonly fCnt: number;
  readonly fPort: number;
  readonly payloadHex: string;
  readonly confirmed: boolean;
}

/** An application downlink as the device decrypted it. */
export interface ReceivedDownlink {
  readonly fCnt: number;
  readonly fPort: number;
  readonly payload: Uint8Array;
  readonly confirmed: boolean;
  /** RXC: a device of class C heard it outside the windows of an uplink. */
  readonly window: 'RX1' | 'RX2' | 'RXC';
}

export interface DeviceProblem {
  readonly atMs: number;
  /** What happened, in a sentence. */
  readonly text: string;
}

/** Where a simulated device stands. */
export interface DeviceSnapshot {
  readonly id: string;
  /** Contains keys: do not show or log it as it is. */
  readonly config: SimulatedDeviceConfig;
  readonly state: DeviceState;
  readonly running: boolean;
  readonly intervalS: number;
  readonly devAddr: DevAddr | undefined;
  /** Counter of the last uplink; undefined before the first. */
  readonly fCntUp: number | undefined;
  /** Counter of the last downlink; in LoRaWAN 1.1 of those without application payload. */
  readonly fCntDown: number | undefined;
  /** Counter of the last application downlink of a LoRaWAN 1.1 session. */
  readonly aFCntDown: number | undefined;
  /** The network knows of the session: LoRaWAN 1.1 asks for RekeyConf or ResetConf. */
  readonly isConfirmed: boolean;
  readonly lastDevNonce: number | undefined;
  readonly dataRateIndex: number;
  readonly txPowerIndex: number;
  readonly nbTrans: number;
  readonly enabledChannelCount: number;
  /** Frames transmitted, join-requests and repetitions included. */
  readonly sentCount: number;
  /** Downlinks accepted, join-accepts included. */
  readonly receivedCount: number;
  /** Confirmed uplinks that were acknowledged. */
  readonly acknowledgedCount: number;
  readonly queuedCount: number;
  readonly lastUplink: PayloadRecord | undefined;
  readonly lastDownlink: PayloadRecord | undefined;
  readonly linkCheck: LinkCheck | undefined;
  readonly deviceTime: DeviceTime | undefined;
  /** The latest problems, newest last. */
  readonly problems: readonly DeviceProblem[];
}
