import type { JsonObject } from '@bufbuild/protobuf';
import type { TxSettings } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { RxMetadata } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import type { CauseCode, StageData } from '../base/causes.ts';
import type { DevAddr, DevEui, JoinEui, NetId } from '../lorawan/index.ts';

/** A device as the network server names it to the application server. */
export interface DeviceRef {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly devEui?: DevEui;
  readonly joinEui?: JoinEui;
}

/** A verified data uplink for the application. */
export interface UplinkForApplication {
  readonly device: DeviceRef;
  readonly devAddr: DevAddr;
  readonly sessionKeyId: Uint8Array;
  /** Absent for frames without FPort. */
  readonly fPort: number | undefined;
  /** Encrypted with the AppSKey; empty for FPort 0 and 226, which are the network's. */
  readonly frmPayload: Uint8Array;
  readonly fullFCnt: number;
  readonly confirmed: boolean;
  readonly receivedAtMs: number;
  readonly consumedAirtimeUs: number;
  readonly correlationIds: readonly string[];
  /** Network that received it; not told by one that only passes on. */
  readonly netId?: NetId;
  /** Share of the latest uplinks at the same data rate that were lost. */
  readonly packetErrorRate?: number;
  /** Built on first call. */
  rxMetadata(): RxMetadata[];
  /** Built on first call. */
  settings(): TxSettings;
}

/** What the application server made of an uplink; it lands in the frame's record. */
export interface ApplicationUplinkResult {
  readonly stage: StageData;
  /** Decrypted payload, if there is one. */
  readonly frmPayload?: Uint8Array;
  readonly decodedPayload?: JsonObject;
  readonly decodedPayloadWarnings: readonly string[];
}

/** A new session of a device that joined. */
export interface JoinForApplication {
  readonly device: DeviceRef;
  readonly devAddr: DevAddr;
  readonly sessionKeyId: Uint8Array;
  /** Raw key. */
  readonly appSKey: Uint8Array;
  /** Queue of the session the device has, encrypted for it. */
  readonly invalidatedDownlinks: readonly ApplicationDownlink[];
  readonly receivedAtMs: number;
  readonly correlationIds: readonly string[];
}

/** Something happened to a queued downlink. */
export interface DownlinkNotice {
  readonly device: DeviceRef;
  readonly devAddr: DevAddr;
  /** As queued: encrypted, with its counter. */
  readonly downlink: ApplicationDownlink;
  readonly correlationIds: readonly string[];
}

/** Queued downlinks whose counters were used up by the network. */
export interface InvalidatedQueue {
  readonly device: DeviceRef;
  readonly devAddr: DevAddr;
  readonly sessionKeyId: Uint8Array;
  readonly downlinks: readonly ApplicationDownlink[];
  readonly lastFCntDown: number;
  readonly correlationIds: readonly string[];
}

/** What the network server tells the application server. `app.ts` connects the two. */
export interface ApplicationHandler {
  /**
   * Called once the uplink's counter is durable. The result lands in the frame's record; it is waited for, but holds up
   * nothing else.
   */
  uplink(uplink: UplinkForApplication): Promise<ApplicationUplinkResult>;
  /**
   * Called inside the unit that stores the network session: synchronous; what it writes is stored with it, or not.
   * Answers the queue encrypted for the new session, so that no crash can part the two.
   */
  storeJoin(join: JoinForApplication): readonly ApplicationDownlink[];
  /** The join is durable and a gateway transmits its join-accept. */
  joinAccepted(join: JoinForApplication): void;
  /** The gateway transmitted it. */
  downlinkSent(notice: DownlinkNotice): void;
  downlinkFailed(notice: DownlinkNotice & { readonly cause: CauseCode }): void;
  /** A confirmed downlink was acknowledged by the device's next uplink, or not. */
  downlinkAcknowledged(notice: DownlinkNotice): void;
  downlinkNotAcknowledged(notice: DownlinkNotice): void;
  /**
   * Called inside the unit that takes these out of the queue: synchronous. Answers them encrypted anew with counters
   * after `lastFCntDown`; they go back into the queue in the same unit, so that no crash can lose them.
   */
  queueInvalidated(queue: InvalidatedQueue): readonly ApplicationDownlink[];
}

/** What the application server asks of the network server. */
export interface DownlinkQueue {
  /**
   * Appends downlinks: encrypted, with `sessionKeyId` and `fCnt`. Resolves once they are durable; rejects with
   * `f_cnt_too_low`, `unknown_session`, `application_downlink_too_long` or `downlink_queue_capacity` of
   * `pkg/networkserver`, and then queues none.
   */
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  /** The same, but takes the place of everything queued. */
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  /** Current session's first, then the pending one's. */
  list(device: DeviceRef): ApplicationDownlink[];
  /** Id of the session that the device uses, or of the one that waits for its first uplink if there is no other. */
  sessionKeyId(device: DeviceRef): Uint8Array | undefined;
}
