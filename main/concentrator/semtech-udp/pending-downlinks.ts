import type { TxAcknowledgment } from '../../base/gateway-link.ts';

/** An acknowledgement that late says what became of the frame, but nothing about the way: the computer slept meanwhile. */
const LONGEST_ROUND_TRIP_MS = 5_000;

/** Downlinks of one gateway that can await their acknowledgement at the same time. */
const RING_SIZE = 16;

interface PendingDownlink {
  readonly token: number;
  readonly sentAtMs: number;
  readonly settle: (acknowledgment: TxAcknowledgment) => void;
}

/** The newest downlinks of one gateway by their token. A newer one pushes the oldest out, unacknowledged. */
export interface PendingDownlinks {
  add(downlink: PendingDownlink): void;
  /** Settles the downlink with that token; its round trip, or undefined when there is none. */
  acknowledge(token: number, acknowledgment: TxAcknowledgment, nowMs: number): number | undefined;
  /** Settles the downlink with that token unless that has happened. */
  giveUp(token: number, detail: string): void;
  /** Settles all of them. */
  giveUpAll(detail: string): void;
}

export function createPendingDownlinks(): PendingDownlinks {
  const ring = new Array<PendingDownlink | undefined>(RING_SIZE).fill(undefined);
  let next = 0;
  const giveUpAt = (slot: number, detail: string): void => {
    const downlink = ring[slot];
    ring[slot] = undefined;
    downlink?.settle({ result: 'no_acknowledgment', detail });
  };
  const slotOf = (token: number): number => ring.findIndex((entry) => entry?.token === token);
  return {
    add(downlink) {
      giveUpAt(next, `${RING_SIZE} newer downlinks were sent before it was acknowledged`);
      ring[next] = downlink;
      next = (next + 1) % RING_SIZE;
    },
    acknowledge(token, acknowledgment, nowMs) {
      const slot = slotOf(token);
      const downlink = ring[slot];
      if (downlink === undefined) return undefined;
      ring[slot] = undefined;
      const roundTripMs = nowMs - downlink.sentAtMs;
      const isMeasure = roundTripMs <= LONGEST_ROUND_TRIP_MS;
      downlink.settle({ ...acknowledgment, ...(isMeasure && { roundTripMs }) });
      return roundTripMs;
    },
    giveUp(token, detail) {
      const slot = slotOf(token);
      if (slot >= 0) giveUpAt(slot, detail);
    },
    giveUpAll(detail) {
      for (let slot = 0; slot < RING_SIZE; slot += 1) giveUpAt(slot, detail);
    },
  };
}
