import { useCallback, useState } from 'react';

/** Drafts by name, as long as the page is loaded. Never written anywhere: they may hold keys. */
const kept = new Map<string, unknown>();

export interface Draft<T> {
  readonly value: T;
  /** The user came back to something begun before. */
  readonly resumed: boolean;
  change(change: (old: T) => T): void;
  /** Back to the initial value; nothing is kept any more. */
  discard(): void;
}

/** What a user types, kept when they look at another page in between. */
export function useDraft<T>(name: string, initial: T): Draft<T> {
  const [resumed, setResumed] = useState(() => kept.has(name));
  const [value, setValue] = useState(() => (kept.has(name) ? (kept.get(name) as T) : initial));
  const change = useCallback(
    (make: (old: T) => T) =>
      setValue((old) => {
        const next = make(old);
        kept.set(name, next);
        return next;
      }),
    [name],
  );
  const discard = useCallback(() => {
    kept.delete(name);
    setResumed(false);
    setValue(initial);
  }, [name, initial]);
  return { value, resumed, change, discard };
}
