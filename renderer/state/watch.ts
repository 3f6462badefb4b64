import { create as createStore, type StoreApi, type UseBoundStore } from 'zustand';
import type { WatchUpdate } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import type { Api } from '../client/api.ts';
import { toProblem } from '../client/problem.ts';
import { backoffMs } from './backoff.ts';
import {
  applyUpdates,
  type ConnectionPhase,
  EMPTY_WATCH_DATA,
  type WatchData,
  withRecordedFrames,
} from './watch-state.ts';

/** A stream that says nothing for so long is taken for dead; the server sends signs of life more often. */
const SILENCE_MS = 45_000;
/** Recorded frames fetched when the page opens. */
const FIRST_FRAMES = 200;
/** Most updates that wait for a repaint. */
const MOST_WAITING = 500;
/** Repaint of a hidden page, where animation frames do not come. */
const HIDDEN_FLUSH_MS = 1_000;

export interface WatchStore extends WatchData {
  readonly phase: ConnectionPhase;
  /** Failed attempts since the stream was last alive. */
  readonly attempt: number;
  /** When the next attempt starts. */
  readonly retryAtMs: number | undefined;
  retryNow(): void;
}

export interface Watch {
  readonly store: UseBoundStore<StoreApi<WatchStore>>;
  start(): void;
  stop(): void;
}

interface Pace {
  /** Runs the task at the next repaint. */
  schedule(task: () => void): void;
}

const browserPace: Pace = {
  schedule(task) {
    if (document.hidden) setTimeout(task, HIDDEN_FLUSH_MS);
    else requestAnimationFrame(task);
  },
};

/** Gathers updates until the next repaint. */
function createBatch(pace: Pace, apply: (updates: readonly WatchUpdate[]) => void) {
  let waiting: WatchUpdate[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    const updates = waiting;
    waiting = [];
    apply(updates);
  };
  return {
    flush,
    add(update: WatchUpdate): void {
      waiting.push(update);
      if (waiting.length === 1) pace.schedule(flush);
      else if (waiting.length >= MOST_WAITING) flush();
    },
  };
}

/** The page's one stream: opens it, keeps it open, and holds what it tells. */
export function createWatch(api: Api, pace: Pace = browserPace): Watch {
  let stopped = true;
  let abort = new AbortController();
  let wake: (() => void) | undefined;

  const store = createStore<WatchStore>()(() => ({
    ...EMPTY_WATCH_DATA,
    phase: 'connecting' as ConnectionPhase,
    attempt: 0,
    retryAtMs: undefined,
    retryNow: () => wake?.(),
  }));
  const batch = createBatch(pace, (updates) =>
    store.setState(applyUpdates(store.getState(), updates)),
  );

  async function loadRecorded(): Promise<void> {
    try {
      const answer = await api.frames.list({ limit: FIRST_FRAMES });
      store.setState(withRecordedFrames(store.getState(), answer.frames, Number(answer.total)));
    } catch {
      // The stream itself tells whether the server is there; the frames come with it or by scrolling.
    }
  }

  async function readStream(): Promise<void> {
    abort = new AbortController();
    const control = abort;
    let silence = setTimeout(() => control.abort(), SILENCE_MS);
    const framesAfterId = store.getState().frames.at(-1)?.id ?? 0n;
    try {
      const request = { frames: true, framesAfterId, links: true, simulator: true };
      let first = true;
      for await (const update of api.workspace.watch(request, { signal: control.signal })) {
        clearTimeout(silence);
        silence = setTimeout(() => control.abort(), SILENCE_MS);
        if (first) {
          first = false;
          store.setState({ phase: 'live', attempt: 0, retryAtMs: undefined });
          void loadRecorded();
        }
        batch.add(update);
      }
    } finally {
      clearTimeout(silence);
      batch.flush();
    }
  }

  function waitToRetry(): Promise<void> {
    const attempt = store.getState().attempt + 1;
    const delay = backoffMs(attempt);
    store.setState({ phase: 'lost', attempt, retryAtMs: Date.now() + delay });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await readStream();
      } catch (error) {
        if (toProblem(error).unauthorized) {
          store.setState({ phase: 'unauthorized', retryAtMs: undefined });
          return;
        }
      }
      if (!stopped) await waitToRetry();
    }
  }

  return {
    store,
    start() {
      if (!stopped) return;
      stopped = false;
      void run();
    },
    stop() {
      stopped = true;
      abort.abort();
      wake?.();
    },
  };
}
