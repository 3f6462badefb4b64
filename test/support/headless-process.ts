import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../main/headless/main.ts', import.meta.url));
export const API_KEY = 'NNSXS.TESTKEY.TESTSECRET';

export interface HeadlessProcess {
  readonly child: ChildProcess;
  /** Addresses by service. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
  /** What it wrote to standard error so far: its log. */
  errors(): string;
  /** Ends the process, by default politely, and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const exited = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', resolve));

export interface HeadlessOptions {
  /** The program's file; its source by default. */
  readonly entry?: string;
  /** Arguments for Node itself, as a limit for what its JavaScript may keep. */
  readonly nodeArguments?: readonly string[];
}

/** Runs the headless shell on free ports with its data in `directory` and waits until it listens. */
export async function startHeadless(
  directory: string,
  args: readonly string[] = [],
  { entry = ENTRY, nodeArguments = [] }: HeadlessOptions = {},
): Promise<HeadlessProcess> {
  const free = '127.0.0.1:0';
  const child = spawn(
    process.execPath,
    [
      ...nodeArguments,
      entry,
      '--headless',
      '--http',
      free,
      '--grpc',
      free,
      '--udp',
      free,
      '--no-open',
      '--data-dir',
      directory,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GATEHOUSE_API_KEY: API_KEY } },
  );
  const addresses: Record<string, string> = {};
  const lines: string[] = [];
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += String(chunk);
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on(
      'line',
      (line) => {
        lines.push(line);
        if (!line.startsWith('{')) return;
        const event = JSON.parse(line) as { service: string; address: string };
        addresses[event.service] = event.address;
        if (addresses.http && addresses.grpc && addresses.udp) resolve();
      },
    );
    child.once('exit', () => reject(new Error(errors)));
  });
  return {
    child,
    addresses,
    lines,
    errors: () => errors,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await exited(child);
    },
  };
}
