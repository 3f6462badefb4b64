import type { GatehouseError } from '../base/errors.ts';

/** The failures of both files as one state. */
export function createStoreState(): {
  set(file: 'registry' | 'frames', failure: GatehouseError | undefined): void;
  cause(): GatehouseError | undefined;
  onChange(listener: (cause: GatehouseError | undefined) => void): () => void;
} {
  const failures: { registry?: GatehouseError | undefined; frames?: GatehouseError | undefined } =
    {};
  const listeners = new Set<(cause: GatehouseError | undefined) => void>();
  const cause = (): GatehouseError | undefined => failures.registry ?? failures.frames;
  return {
    set(file, failure) {
      const before = cause();
      failures[file] = failure;
      if (cause() === before) return;
      for (const listener of listeners) listener(cause());
    },
    cause,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
