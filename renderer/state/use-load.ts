import { useCallback, useEffect, useState } from 'react';
import { type Problem, toProblem } from '../client/problem.ts';

export interface Load<T> {
  /** Last answer; stays while it is asked for again. */
  readonly data: T | undefined;
  readonly problem: Problem | undefined;
  readonly loading: boolean;
  reload(): void;
}

/**
 * Asks for something when the component appears, when `key` changes, and on `reload`. A new `version` of the same thing
 * asks again too, and leaves the former answer on screen meanwhile.
 */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  version = '',
): Load<T> {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{
    readonly key: string;
    readonly data: T | undefined;
    readonly problem: Problem | undefined;
    readonly loading: boolean;
  }>({ key, data: undefined, problem: undefined, loading: true });

  useEffect(() => {
    const control = new AbortController();
    setState((old) => ({
      key,
      data: old.key === key ? old.data : undefined,
      problem: old.key === key ? old.problem : undefined,
      loading: true,
    }));
    load(control.signal).then(
      (data) => {
        if (!control.signal.aborted) setState({ key, data, problem: undefined, loading: false });
      },
      (error: unknown) => {
        if (control.signal.aborted) return;
        setState((old) => ({ key, data: old.data, problem: toProblem(error), loading: false }));
      },
    );
    return () => control.abort();
  }, [key, round, version]);

  const reload = useCallback(() => setRound((old) => old + 1), []);
  const current = state.key === key;
  return {
    data: current ? state.data : undefined,
    problem: current ? state.problem : undefined,
    loading: !current || state.loading,
    reload,
  };
}
