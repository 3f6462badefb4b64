import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** One end of a pseudo terminal; the other is a device file that serial port libraries can open. */
export interface Pty {
  /** Path of the device file, e.g. `/dev/pts/4`. */
  readonly path: string;
  /** Sends bytes to whoever has the device file open. */
  write(text: string): void;
  /** Called with what was written to the device file. */
  onData(listener: (bytes: Buffer) => void): void;
  /** Takes the device away, as if it were unplugged. */
  close(): Promise<void>;
}

/** Why pseudo terminals cannot be had on this machine; undefined when they can. */
export function ptyUnavailable(): string | undefined {
  if (process.platform === 'win32') return 'there are no pseudo terminals on Windows';
  const version = spawnSync('script', ['--version'], { encoding: 'utf8' });
  if (version.error || !version.stdout.includes('util-linux')) {
    return 'the program "script" of util-linux is not installed';
  }
  if (spawnSync('stty', ['--version']).error) return 'the program "stty" is not installed';
  return undefined;
}

const COMMAND = 'stty raw -echo; tty; exec sleep 1d';

function firstLine(child: ChildProcessByStdio<Writable, Readable, null>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0) return;
      child.stdout.off('data', look);
      resolve(text.slice(0, end).trim());
    };
    child.stdout.on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`script ended with ${code}`)));
  });
}

/** Opens a raw pseudo terminal by means of util-linux's `script`, whose pipes are the far end. */
export async function createPty(): Promise<Pty> {
  const child = spawn('script', ['-qfec', COMMAND, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const path = await firstLine(child);
  child.stdin.on('error', () => undefined);
  return {
    path,
    write: (text) => {
      if (child.stdin.writable) child.stdin.write(text, 'latin1');
    },
    onData: (listener) => {
      child.stdout.on('data', listener);
    },
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
