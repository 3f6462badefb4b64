/** Where network and join server meet; `app.ts` connects the two. */
import type { CauseCode, EvidenceData } from '../base/causes.ts';
import type {
  DevAddr,
  DlSettings,
  JoinEui,
  JoinRequestFrame,
  MacVersion,
  NetId,
  RejoinRequestFrame,
  SessionKeys11,
} from '../lorawan/index.ts';

/** A join-request and what the network grants if it is accepted. */
export interface JoinQuestion {
  readonly frame: JoinRequestFrame;
  readonly macVersion: MacVersion;
  readonly devAddr: DevAddr;
  readonly netId: NetId;
  readonly dlSettings: DlSettings;
  /** RxDelay as it goes on air, in seconds. */
  readonly rxDelay: number;
  /** 16 bytes. */
  readonly cfList?: Uint8Array;
  readonly correlationIds: readonly string[];
}

/** A rejoin-request and what the network grants if it is accepted (LoRaWAN 1.1 §6.2.4). */
export interface RejoinQuestion extends Omit<JoinQuestion, 'frame' | 'macVersion'> {
  /** Of type 0 or 2: its MIC and counter are checked already, by the network server, which has the key. */
  readonly frame: RejoinRequestFrame;
  /** That of the registration; type 1 names the same one. */
  readonly joinEui: JoinEui;
}

/** A new session with the join-accept that offers it to the device. */
export interface AcceptedJoin {
  readonly accepted: true;
  /** PHYPayload. */
  readonly joinAccept: Uint8Array;
  readonly sessionKeyId: Uint8Array;
  /** Raw keys; in 1.0.x the NwkSKey stands in all three network places. */
  readonly keys: SessionKeys11;
  readonly joinNonce: number;
  readonly evidence: readonly EvidenceData[];
  /** Tells whoever watches the device. Call it once the unit of work is durable. */
  announce(): void;
}

export interface RejectedJoin {
  readonly accepted: false;
  readonly cause: CauseCode;
  readonly evidence: readonly EvidenceData[];
}

/** What the network server asks of the join server. All calls are synchronous. */
export interface JoinPort {
  /** Judges a join-request. Call it inside `store.unit()`: the nonces are stored with the unit, or not. */
  handleJoin(question: JoinQuestion): AcceptedJoin | RejectedJoin;
  /** Judges a rejoin-request and derives the keys of the new session. Call it inside `store.unit()`. */
  handleRejoin(question: RejoinQuestion): AcceptedJoin | RejectedJoin;
  /** Looks for a registration that almost fits an unknown device, and tells whoever watches that device. */
  explainUnknownDevice(frame: JoinRequestFrame, correlationIds: readonly string[]): RejectedJoin;
}
