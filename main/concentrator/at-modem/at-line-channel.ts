import type { Duplex } from 'node:stream';
import { ReadlineParser } from '@serialport/parser-readline';
import type { Clock, Timer } from '../../base/clock.ts';
import { defineError } from '../../base/errors.ts';

/** Why a command did not succeed. */
export const commandErrors = {
  refused: defineError(
    'gatehouse/modem:refused',
    'FAILED_PRECONDITION',
    'The modem refused {command}: {answer}',
  ),
  noAnswer: defineError(
    'gatehouse/modem:no_answer',
    'DEADLINE_EXCEEDED',
    'The modem did not answer {command} within {timeoutMs} ms.',
  ),
  closed: defineError('gatehouse/modem:closed', 'UNAVAILABLE', 'The port of the modem was closed.'),
} as const;

/** What a line means to the command that waits. */
export type Answer<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Belongs to the command, but more has to come. */
  | { readonly kind: 'part' }
  | { readonly kind: 'refused' };

export interface AtCommand<T> {
  /** The line without its end. */
  readonly text: string;
  /** Looks at each line while the command waits; undefined: the line is none of its business. */
  readonly match: (line: string) => Answer<T> | undefined;
  readonly timeoutMs: number;
}

export interface AtLineChannel {
  /**
   * Sends a command once those before it are finished; with none before it, the line is written before this call
   * returns. Rejects with one of {@link commandErrors}.
   */
  command<T>(command: AtCommand<T>): Promise<T>;
  /** Ends a half-written line in the modem. */
  sendLineEnd(): void;
  /** Fails what waits; nothing is read or written afterwards. */
  close(): void;
}

export interface AtLineChannelOptions {
  readonly stream: Duplex;
  readonly clock: Clock;
  /** Lines no command waits for, with the monotonic time their last piece arrived. */
  readonly onLine: (line: string, arrivedMs: number) => void;
}

/** Longest line that is collected; noise without line ends must not fill the memory. */
const LONGEST_LINE = 2048;
const LINE_END = '\r\n';
const LINE_FEED = 0x0a;

interface Waiting {
  readonly start: () => void;
  readonly look: (line: string) => boolean;
  readonly fail: () => void;
}

/** Cuts what arrives into lines; returns what to do with each piece. */
function createLineReader(
  clock: Clock,
  take: (line: string, arrivedMs: number) => void,
): (chunk: Buffer) => void {
  let arrivedMs = clock.monotonic();
  const newParser = (): ReadlineParser => {
    const created = new ReadlineParser({ delimiter: '\n', encoding: 'latin1' });
    created.on('data', (raw: string) => {
      const line = raw.trim();
      if (line !== '') take(line, arrivedMs);
    });
    return created;
  };
  let parser = newParser();
  let unfinished = 0;
  return (chunk) => {
    arrivedMs = clock.monotonic();
    const lastEnd = chunk.lastIndexOf(LINE_FEED);
    unfinished = lastEnd < 0 ? unfinished + chunk.length : chunk.length - lastEnd - 1;
    if (unfinished <= LONGEST_LINE) {
      parser.write(chunk);
      return;
    }
    parser.removeAllListeners('data');
    parser = newParser();
    unfinished = 0;
  };
}

interface CommandContext {
  readonly stream: Duplex;
  readonly clock: Clock;
  readonly finished: (waiting: Waiting) => void;
}

/** A command in the queue, and the promise of its answer. */
function createWaiting<T>({ text, match, timeoutMs }: AtCommand<T>, context: CommandContext) {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const name = text.split(/[ ,"]/, 1)[0] ?? text;
  let timer: Timer | undefined;
  const waiting: Waiting = {
    start() {
      timer = context.clock.setTimer(timeoutMs, () => {
        reject(commandErrors.noAnswer({ command: name, timeoutMs }));
        context.finished(waiting);
      });
      context.stream.write(text + LINE_END, 'latin1');
    },
    look(line) {
      const answer = match(line);
      if (answer === undefined) return false;
      if (answer.kind === 'part') return true;
      timer?.cancel();
      if (answer.kind === 'done') resolve(answer.value);
      else reject(commandErrors.refused({ command: name, answer: line }));
      context.finished(waiting);
      return true;
    },
    fail() {
      timer?.cancel();
      reject(commandErrors.closed());
    },
  };
  return { waiting, promise };
}

/** Text lines over a serial port: one command at a time, answers matched, everything else handed on. */
export function createAtLineChannel(options: AtLineChannelOptions): AtLineChannel {
  const { stream, clock, onLine } = options;
  const queue: Waiting[] = [];
  let open = true;
  const onData = createLineReader(clock, (line, arrivedMs) => {
    if (open && !queue[0]?.look(line)) onLine(line, arrivedMs);
  });
  stream.on('data', onData);
  const finished = (waiting: Waiting): void => {
    if (queue[0] !== waiting) return;
    queue.shift();
    queue[0]?.start();
  };
  return {
    command(command) {
      if (!open) return Promise.reject(commandErrors.closed());
      const { waiting, promise } = createWaiting(command, { stream, clock, finished });
      queue.push(waiting);
      if (queue.length === 1) waiting.start();
      return promise;
    },
    sendLineEnd() {
      if (open) stream.write(LINE_END);
    },
    close() {
      if (!open) return;
      open = false;
      stream.off('data', onData);
      for (const waiting of queue.splice(0)) waiting.fail();
    },
  };
}
