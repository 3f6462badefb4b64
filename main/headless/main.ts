/** The headless shell: serves the API and the browser interface until it is told to stop. */
import { spawn } from 'node:child_process';
import { errorText, GatehouseError } from '../base/errors.ts';
import { HELP, parseFlags } from '../shell/flags.ts';
import { type Listening, type RunningShell, startShell } from '../shell/start-shell.ts';
import { VERSION } from '../shell/version.ts';

const SERVICE_WORDS: Readonly<Record<Listening['service'], string>> = {
  http: 'API and browser interface',
  grpc: 'gRPC',
  udp: 'Packet forwarders over UDP',
  station: 'Basics Station',
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function announce(shell: RunningShell, link: string | undefined): void {
  for (const notice of shell.notices) process.stderr.write(`${notice}\n`);
  for (const { service, address } of shell.listeners)
    print(`${SERVICE_WORDS[service]}: ${address}`);
  if (link !== undefined) print(`Open this link once in your browser: ${link}`);
  for (const { service, address } of shell.listeners) {
    print(JSON.stringify({ event: 'listening', service, address }));
  }
}

/** Opens the default browser; where there is none the printed link remains. */
function openBrowser(url: string): void {
  const [file, args] =
    process.platform === 'win32'
      ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
      : [process.platform === 'darwin' ? 'open' : 'xdg-open', [url]];
  const child = spawn(file, args, { detached: true, stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}

function stopOnSignal(shell: RunningShell): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    shell.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${errorText(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(argv, process.env);
  if (flags.help) {
    print(HELP);
    return;
  }
  if (flags.version) {
    print(VERSION);
    return;
  }
  const shell = await startShell({ argv });
  stopOnSignal(shell);
  // A browser that is opened here uses a link up, so the printed one is another.
  announce(shell, shell.browserInterface.newLink());
  const link = flags.open ? shell.browserInterface.newLink() : undefined;
  if (link !== undefined) openBrowser(link);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const code = error instanceof GatehouseError ? ` (${error.code})` : '';
  process.stderr.write(`${errorText(error)}${code}\n`);
  process.exit(1);
}
