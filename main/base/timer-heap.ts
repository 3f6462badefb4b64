/** A timer of the virtual clock. */
export interface PendingTimer {
  dueMs: number;
  /** Number of its creation. */
  readonly order: number;
  /** Absent once it has fired or was cancelled. */
  run: (() => void) | undefined;
}

/** A timer that is due, with what it does. */
export interface DueTimer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** Timers in order of their due time, then of their creation. */
export interface TimerHeap {
  add(timer: PendingTimer): void;
  cancel(timer: PendingTimer): void;
  /** Removes and answers the first timer that is due by then. */
  take(limitMs: number): DueTimer | undefined;
  /** Makes all of them due later. */
  postpone(ms: number): void;
  readonly size: number;
}

/** Fewer cancelled timers than this are not worth looking for. */
const FEWEST_TO_SWEEP = 64;

function isBefore(left: PendingTimer, right: PendingTimer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}

/** Binary heap; a cancelled timer stays in it until it comes to the top or half of all are cancelled. */
export function createTimerHeap(): TimerHeap {
  let heap: PendingTimer[] = [];
  let cancelled = 0;

  const siftUp = (timer: PendingTimer): void => {
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as PendingTimer;
      if (isBefore(parent, timer)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = timer;
  };
  const removeTop = (): void => {
    const last = heap.pop() as PendingTimer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right && isBefore(right, heap[below] as PendingTimer)) below += 1;
      const child = heap[below] as PendingTimer;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  };
  const sweep = (): void => {
    if (cancelled < FEWEST_TO_SWEEP || cancelled * 2 < heap.length) return;
    const kept = heap.filter(({ run }) => run !== undefined);
    heap = [];
    cancelled = 0;
    for (const timer of kept) siftUp(timer);
  };
  return {
    add: siftUp,
    cancel(timer) {
      if (timer.run === undefined) return;
      timer.run = undefined;
      cancelled += 1;
      sweep();
    },
    take(limitMs) {
      for (let top = heap[0]; top && top.dueMs <= limitMs; top = heap[0]) {
        removeTop();
        const { dueMs, run } = top;
        if (run) {
          top.run = undefined;
          return { dueMs, run };
        }
        cancelled -= 1;
      }
      return undefined;
    },
    postpone(ms) {
      for (const timer of heap) timer.dueMs += ms;
    },
    get size() {
      return heap.length - cancelled;
    },
  };
}
