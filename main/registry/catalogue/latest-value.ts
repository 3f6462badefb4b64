/**
 * Turns a task that tells its progress into a stream of it. A reader that is slow gets the newest progress there is; the
 * last one is never left out. Throws what the task throws.
 */
export async function* progressOf<T>(
  start: (tell: (value: T) => void) => Promise<void>,
): AsyncGenerator<T> {
  const state: { newest?: { readonly value: T }; wake: () => void } = { wake: () => undefined };
  let ended: { readonly error?: unknown } | undefined;
  const changed = () =>
    new Promise<void>((resolve) => {
      state.wake = resolve;
    });
  let waiting = changed();
  const task = start((value) => {
    state.newest = { value };
    state.wake();
  }).then(
    () => {
      ended = {};
      state.wake();
    },
    (error: unknown) => {
      ended = { error };
      state.wake();
    },
  );
  try {
    for (;;) {
      await waiting;
      waiting = changed();
      const { newest } = state;
      if (newest) {
        delete state.newest;
        yield newest.value;
      }
      if (state.newest) {
        state.wake();
        continue;
      }
      if (!ended) continue;
      if ('error' in ended) throw ended.error;
      return;
    }
  } finally {
    await task;
  }
}
