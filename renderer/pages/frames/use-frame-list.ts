import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { useApi } from '../../client/api-context.ts';
import { type Problem, toProblem } from '../../client/problem.ts';
import { useWatch } from '../../state/watch-context.ts';
import {
  droppedFrames,
  type FrameScope,
  joinOlder,
  scopeRequest,
  visibleFrames,
  waitingCount,
} from './frame-list.ts';

const PAGE_SIZE = 200;
/** Older frames kept below a running view. */
const MOST_OLDER = 5_000;

export interface FrameList {
  readonly frames: readonly Frame[];
  readonly paused: boolean;
  /** Frames that came since the view was paused. */
  readonly waiting: number;
  /** There are, or may be, older frames to load. */
  readonly more: boolean;
  readonly loadingOlder: boolean;
  readonly problem: Problem | undefined;
  pause(): void;
  resume(): void;
  loadOlder(): void;
}

interface Older {
  readonly key: string;
  readonly frames: readonly Frame[];
  readonly more: boolean;
}

/** What falls out of a full ring goes on top of the older frames, so that a running view has no gap. */
function withDropped(older: Older, dropped: readonly Frame[]): Older {
  // Nothing was loaded below the ring yet: the first load begins where the ring ends by then.
  if (older.frames.length === 0 && older.more) return older;
  const frames = [...dropped, ...older.frames];
  return {
    key: older.key,
    frames: frames.slice(0, MOST_OLDER),
    more: older.more || frames.length > MOST_OLDER,
  };
}

/** Frames to show: the live ring, what was loaded below it, and a pause that never stops recording. */
export function useFrameList(filter: string, scope: FrameScope | undefined): FrameList {
  const api = useApi();
  const ring = useWatch((state) => state.frames);
  const [frozen, setFrozen] = useState<readonly Frame[]>();
  const key = `${scope?.applicationId ?? ''}/${scope?.deviceId ?? ''}/${filter}`;
  const [older, setOlder] = useState<Older>({ key, frames: [], more: true });
  const [loadingOlder, setLoadingOlder] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const shownRing = frozen ?? ring;
  const current = older.key === key ? older : { key, frames: [], more: true };

  const frames = useMemo(
    () => joinOlder(visibleFrames(shownRing, filter, scope), shownRing, current.frames),
    [shownRing, filter, scope, current.frames],
  );
  const waiting = useMemo(
    () => (frozen === undefined ? 0 : waitingCount(ring, frozen.at(-1)?.id ?? -1n, filter, scope)),
    [frozen, ring, filter, scope],
  );

  const formerRing = useRef(ring);
  useEffect(() => {
    const dropped = visibleFrames(droppedFrames(formerRing.current, ring), filter, scope);
    formerRing.current = ring;
    if (frozen === undefined && dropped.length > 0) setOlder((old) => withDropped(old, dropped));
  }, [ring, frozen, filter, scope]);

  const control = useRef<AbortController>(undefined);
  useEffect(() => {
    setProblem(undefined);
    return () => {
      control.current?.abort();
      control.current = undefined;
      setLoadingOlder(false);
    };
  }, [key]);

  const loadOlder = useCallback(() => {
    if (control.current !== undefined) return;
    const abort = new AbortController();
    control.current = abort;
    setLoadingOlder(true);
    setProblem(undefined);
    const request = {
      beforeId: current.frames.at(-1)?.id ?? shownRing[0]?.id ?? 0n,
      limit: PAGE_SIZE,
      filter: filter.trim(),
      ...scopeRequest(scope),
    };
    api.frames
      .list(request, { signal: abort.signal })
      .then((answer) => {
        if (abort.signal.aborted) return;
        setOlder((old) => ({
          key,
          frames: [...(old.key === key ? old.frames : []), ...answer.frames],
          more: answer.more,
        }));
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setProblem(toProblem(error));
      })
      .finally(() => {
        if (abort.signal.aborted) return;
        control.current = undefined;
        setLoadingOlder(false);
      });
  }, [api, current, filter, key, scope, shownRing]);

  const pause = useCallback(() => setFrozen((old) => old ?? ring), [ring]);
  const resume = useCallback(() => {
    setFrozen(undefined);
    setOlder({ key, frames: [], more: true });
  }, [key]);

  return {
    frames,
    paused: frozen !== undefined,
    waiting,
    more: current.more,
    loadingOlder,
    problem,
    pause,
    resume,
    loadOlder,
  };
}
