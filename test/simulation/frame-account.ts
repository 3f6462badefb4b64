/** Keeps account of every frame of a simulated network: what was sent, and where it ended. */
import { createHash } from 'node:crypto';
import { Direction, type Frame } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { OUTCOME } from '../../main/base/causes.ts';
import type { AirObserver, Emission, UplinkFate } from '../../main/simulator/index.ts';

export type Counts = Readonly<Record<string, number>>;

/** What became of frames: each sent one is delivered or stands under exactly one cause. */
export interface Balance {
  readonly sent: number;
  readonly delivered: number;
  /** On the air: `collision`, `too_weak`, `gateway_transmitting`, `not_listening`. */
  readonly lostOnAir: Counts;
  /** Heard and not taken, by the cause of the verdict. */
  readonly refused: Counts;
  /** Heard, and no record says what became of it. */
  readonly unaccounted: number;
}

export interface DownlinkBalance {
  /** `RX1`, `RX2` or `immediate`, as transmitted. */
  readonly joinAccepts: Counts;
  readonly data: Counts;
  /** Not transmitted, by cause. */
  readonly joinAcceptsFailed: Counts;
  readonly dataFailed: Counts;
  /** Given to the gateway, which said nothing about them. */
  readonly unacknowledged: number;
}

/** All frames of a run. Its parts are to be connected to the air and to the frame recorder. */
export interface FrameAccount extends Required<Pick<AirObserver, 'uplink'>> {
  recorded(frame: Frame): void;
  /** Data uplinks: one per frame counter of a session, however often it was transmitted. */
  uplinks(): Balance;
  /** Transmissions of data uplinks, repetitions included. */
  transmissions(): Balance;
  /** Join-requests; the network accepted those that count as delivered. */
  joinRequests(): Balance;
  downlinks(): DownlinkBalance;
  /** Data uplinks the network accepted more than once as new. */
  deliveredTwice(): number;
  /** SHA-256 over bytes, time and verdict of everything that was recorded so far. */
  digest(): string;
}

class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  counts(): Counts {
    return Object.fromEntries(
      [...this.#counts].sort(([left], [right]) => left.localeCompare(right)),
    );
  }
}

/** Transmissions of one kind. */
class Ledger {
  sent = 0;
  heard = 0;
  accepted = 0;
  readonly lost = new Tally();
  readonly refused = new Tally();

  balance(): Balance {
    const { accepted, heard, lost, refused, sent } = this;
    return {
      sent,
      delivered: accepted,
      lostOnAir: lost.counts(),
      refused: refused.counts(),
      unaccounted: heard - accepted - refused.total,
    };
  }
}

interface UplinkState {
  delivered: boolean;
  /** Of the newest transmission. */
  fate: UplinkFate;
  refusal: string | undefined;
}

const JOIN_REQUEST = 0;
const keyOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const isJoinRequest = (phyPayload: Uint8Array): boolean =>
  (phyPayload[0] ?? 0) >> 5 === JOIN_REQUEST;

function countUplinks(frames: Iterable<UplinkState>): Balance {
  const ledger = new Ledger();
  for (const { delivered, fate, refusal } of frames) {
    ledger.sent += 1;
    if (fate === 'heard' || delivered) ledger.heard += 1;
    if (delivered) ledger.accepted += 1;
    else if (fate !== 'heard') ledger.lost.add(fate);
    else if (refusal !== undefined) ledger.refused.add(refusal);
  }
  return ledger.balance();
}

class Account implements FrameAccount {
  readonly #data = new Ledger();
  readonly #joins = new Ledger();
  readonly #uplinks = new Map<string, UplinkState>();
  /** Downlinks that no acknowledgment was noted for yet, by record. */
  readonly #scheduled = new Set<bigint>();
  readonly #sent = { join: new Tally(), data: new Tally() };
  readonly #failed = { join: new Tally(), data: new Tally() };
  readonly #hash = createHash('sha256');
  #newestId = 0n;
  #twice = 0;

  uplink({ phyPayload }: Emission, fate: UplinkFate): void {
    const ledger = isJoinRequest(phyPayload) ? this.#joins : this.#data;
    ledger.sent += 1;
    if (fate === 'heard') ledger.heard += 1;
    else ledger.lost.add(fate);
    if (ledger === this.#joins) return;
    const key = keyOf(phyPayload);
    const known = this.#uplinks.get(key);
    if (known) Object.assign(known, { fate, refusal: undefined });
    else this.#uplinks.set(key, { delivered: false, fate, refusal: undefined });
  }

  recorded(frame: Frame): void {
    const { id, time, verdict } = frame;
    const { outcome, cause } = verdict ?? {};
    this.#hash.update(`${id} ${time?.seconds}.${time?.nanos} ${outcome} ${cause} `);
    this.#hash.update(frame.phyPayload);
    if (frame.direction === Direction.DOWNLINK) this.#downlinkRecorded(frame);
    else if (frame.id > this.#newestId) this.#uplinkRecorded(frame);
    if (frame.id > this.#newestId) this.#newestId = frame.id;
  }

  #uplinkRecorded({ phyPayload, verdict }: Frame): void {
    const ledger = isJoinRequest(phyPayload) ? this.#joins : this.#data;
    const accepted = verdict?.outcome === OUTCOME.ACCEPTED;
    const cause = verdict?.cause || `outcome_${verdict?.outcome}`;
    if (accepted) ledger.accepted += 1;
    else ledger.refused.add(cause);
    const uplink = this.#uplinks.get(keyOf(phyPayload));
    if (!uplink) return;
    if (accepted && uplink.delivered) this.#twice += 1;
    if (accepted) uplink.delivered = true;
    else uplink.refusal = cause;
  }

  #downlinkRecorded(frame: Frame): void {
    const { id, verdict, transmission, fType } = frame;
    const kind = fType === 'JOIN_ACCEPT' ? 'join' : 'data';
    if (verdict?.outcome === OUTCOME.SCHEDULED) {
      this.#scheduled.add(id);
      return;
    }
    if (id <= this.#newestId && !this.#scheduled.delete(id)) return;
    if (verdict?.outcome === OUTCOME.TRANSMITTED)
      this.#sent[kind].add(transmission?.window ?? 'unknown');
    else this.#failed[kind].add(verdict?.cause ?? 'unknown');
  }

  uplinks(): Balance {
    return countUplinks(this.#uplinks.values());
  }

  transmissions(): Balance {
    return this.#data.balance();
  }

  joinRequests(): Balance {
    return this.#joins.balance();
  }

  downlinks(): DownlinkBalance {
    return {
      joinAccepts: this.#sent.join.counts(),
      data: this.#sent.data.counts(),
      joinAcceptsFailed: this.#failed.join.counts(),
      dataFailed: this.#failed.data.counts(),
      unacknowledged: this.#scheduled.size,
    };
  }

  deliveredTwice(): number {
    return this.#twice;
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** Creates an empty account. */
export function createFrameAccount(): FrameAccount {
  return new Account();
}
