/** Most messages of one batch, so that a long one does not hold the event loop. */
const MOST_AT_ONCE = 256;

/**
 * The messages of a stream in batches: each waits for one message and takes along what else comes before the turn of the
 * event loop ends. An error comes after the messages before it. Reads at most one message ahead of its own reader.
 */
export async function* batchesOf<T>(messages: AsyncIterator<T>): AsyncGenerator<readonly T[]> {
  let ahead: Promise<IteratorResult<T>> | undefined;
  for (;;) {
    const first = await (ahead ?? messages.next());
    ahead = undefined;
    if (first.done) return;
    const batch = [first.value];
    const turnOver = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
    while (batch.length < MOST_AT_ONCE) {
      ahead = messages.next();
      // The end and failures are left to the next batch, which awaits the same promise.
      const result = await Promise.race([ahead.catch(() => undefined), turnOver]);
      if (!result || result.done) break;
      ahead = undefined;
      batch.push(result.value);
    }
    yield batch;
  }
}
