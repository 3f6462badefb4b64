import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { API_KEY, type HeadlessProcess } from '../support/headless-process.ts';
import { BENCH_APPLICATION } from './bench-devices.ts';
import type { SendReport, SendRequest } from './uplink-sender.ts';

const SENDER = fileURLToPath(new URL('./uplink-sender.ts', import.meta.url));

/** Calls the program over REST; throws for anything but 200. */
export async function call(
  program: HeadlessProcess,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
  return json;
}

/** Whose events are read: those of all devices, or of the first so many. */
export type Observed = 'all' | number;

function identifiers(observed: Observed): readonly unknown[] {
  const application_ids = { application_id: BENCH_APPLICATION };
  if (observed === 'all') return [{ application_ids }];
  return Array.from({ length: observed }, (_, index) => ({
    device_ids: { device_id: `device-${index}`, application_ids },
  }));
}

/** Hands what comes on a stream of events of one name to `onBytes`; answers how to end it. */
export async function streamEvents(
  program: HeadlessProcess,
  name: string,
  onBytes: (bytes: Uint8Array) => void,
  observed: Observed = 'all',
): Promise<() => Promise<void>> {
  const cancel = new AbortController();
  const answer = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({
      identifiers: identifiers(observed),
      names: [name],
    }),
    signal: cancel.signal,
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onBytes(value);
    }
  })().catch(() => undefined);
  return async () => {
    cancel.abort();
    await reading;
  };
}

/** Counts how often pieces of text stand in a stream. */
function textCounter(texts: readonly string[]) {
  const longest = Math.max(...texts.map(({ length }) => length));
  const counts = new Map(texts.map((text) => [text, 0]));
  let rest = Buffer.alloc(0);
  return {
    counts,
    add(value: Uint8Array): void {
      const bytes = Buffer.concat([rest, value]);
      // What may be the beginning of a text is looked at again with what follows.
      const from = Math.max(0, bytes.length - longest + 1);
      for (const [text, count] of counts) {
        let found = count;
        for (let at = bytes.indexOf(text); at >= 0 && at < from; at = bytes.indexOf(text, at + 1))
          found += 1;
        counts.set(text, found);
      }
      rest = bytes.subarray(from);
    },
  };
}

/** Counts events of one name until it is stopped, without parsing them, and among them those that hold `text`. */
export async function countEvents(
  program: HeadlessProcess,
  name: string,
  text: string,
  observed: Observed,
) {
  const marker = `"name":"${name}"`;
  const counter = textCounter([marker, text]);
  const stop = await streamEvents(program, name, counter.add, observed);
  return {
    count: () => counter.counts.get(marker) ?? 0,
    countWithText: () => counter.counts.get(text) ?? 0,
    stop,
  };
}

/** The next message of a child process; rejects if it ends. */
export function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('A process of the bench ended.'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

/** Starts the process that plays the gateways. */
export function startSender(): ChildProcess {
  return fork(SENDER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Lets it send, and answers what came of it. */
export function ask(sender: ChildProcess, request: SendRequest): Promise<SendReport> {
  const report = nextMessage(sender) as Promise<SendReport>;
  sender.send(request);
  return report;
}
