import { useCallback, useState } from 'react';
import { type Problem, toProblem } from '../client/problem.ts';

export interface Action<A extends readonly unknown[]> {
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  /** True if it succeeded. */
  run(...args: A): Promise<boolean>;
  clear(): void;
}

/** One thing a user starts: tells that it runs and how it failed, and never runs twice at once. */
export function useAction<A extends readonly unknown[]>(
  perform: (...args: A) => Promise<unknown>,
): Action<A> {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const run = async (...args: A): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setProblem(undefined);
    try {
      await perform(...args);
      return true;
    } catch (error) {
      setProblem(toProblem(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const clear = useCallback(() => setProblem(undefined), []);
  return { busy, problem, run, clear };
}
