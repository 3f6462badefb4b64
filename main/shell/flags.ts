import { parseArgs } from 'node:util';
import { defineError, errorText } from '../base/errors.ts';
import { type JoinEuiPrefix, parseJoinEuiPrefix } from '../lorawan/index.ts';

/** Where to listen, and whether the user asked for exactly that address. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** A busy port is fatal instead of moved. */
  readonly explicit: boolean;
}

/** What the command line (and `GATEHOUSE_API_KEY`) asks for. */
export interface Flags {
  readonly headless: boolean;
  readonly http: ListenAddress;
  readonly grpc: ListenAddress;
  readonly udp: ListenAddress;
  /** Given for a listener that does not exist yet. */
  readonly station: ListenAddress | undefined;
  readonly dataDirectory: string | undefined;
  readonly apiKey: string | undefined;
  /** The key stood on the command line, where other users of this computer can read it. */
  readonly apiKeyOnCommandLine: boolean;
  /** Number of simulated devices to run; undefined if nothing was said. */
  readonly simulate: number | undefined;
  /** JoinEUIs that devices may join with; undefined for all. */
  readonly joinEuiPrefixes: readonly JoinEuiPrefix[] | undefined;
  /** Random DevNonces remembered per device; undefined for the default. */
  readonly devNonceLimit: number | undefined;
  readonly open: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export const badFlag = defineError(
  'gatehouse/shell:bad_flag',
  'INVALID_ARGUMENT',
  '{reason} Run with --help to see what is accepted.',
);

const OPTIONS = {
  headless: { type: 'boolean' },
  http: { type: 'string' },
  grpc: { type: 'string' },
  udp: { type: 'string' },
  station: { type: 'string' },
  'data-dir': { type: 'string' },
  'api-key': { type: 'string' },
  simulate: { type: 'string' },
  'join-eui-prefix': { type: 'string', multiple: true },
  'dev-nonce-limit': { type: 'string' },
  'no-open': { type: 'boolean' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;

/** What `--help` prints. */
export const HELP = `Gatehouse: a LoRaWAN network on your own computer.

  --headless             serve the user interface to a browser instead of opening a window
  --http HOST:PORT       API and browser interface     (127.0.0.1:1885)
  --grpc HOST:PORT       gRPC                          (127.0.0.1:1884)
  --udp HOST:PORT        Semtech UDP packet forwarders (127.0.0.1:1700)
  --station HOST:PORT    Basics Station                (not there yet)
  --data-dir DIR         where everything is kept
  --api-key KEY          accept this administrator key; better set GATEHOUSE_API_KEY
  --simulate N           run N simulated devices, which a start without it removes again;
                         with 0 the demonstration does not start by itself either
  --join-eui-prefix EUI/BITS
                         let devices join with these JoinEUIs only, such as
                         70B3D57ED0000000/36; may be given several times
  --dev-nonce-limit N    DevNonces remembered per device before LoRaWAN 1.0.4 (10)
  --no-open              do not open a browser
  --version, --help

Port 0 means any free port.
`;

const DEFAULTS = {
  http: { host: '127.0.0.1', port: 1885, explicit: false },
  grpc: { host: '127.0.0.1', port: 1884, explicit: false },
  udp: { host: '127.0.0.1', port: 1700, explicit: false },
} as const;

/** Reads `HOST:PORT`, `[IPV6]:PORT` or `PORT`. */
export function parseAddress(flag: string, text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):)?(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw badFlag({ reason: `--${flag} takes HOST:PORT, such as 127.0.0.1:1885, not "${text}".` });
  }
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port, explicit: port !== 0 };
}

function parseSimulate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 10_000) {
    throw badFlag({ reason: `--simulate takes a number from 0 to 10000, not "${text}".` });
  }
  return count;
}

function parseJoinEuiPrefixes(
  texts: readonly string[] | undefined,
): readonly JoinEuiPrefix[] | undefined {
  return texts?.map((text) => {
    const prefix = parseJoinEuiPrefix(text);
    if (prefix) return prefix;
    throw badFlag({
      reason: `--join-eui-prefix takes a JoinEUI and its leading bits, such as 70B3D57ED0000000/36, with zeros behind them, not "${text}".`,
    });
  });
}

function parseDevNonceLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 65_536) return limit;
  throw badFlag({ reason: `--dev-nonce-limit takes a number from 1 to 65536, not "${text}".` });
}

/** What is wrong with a command line, without the advice for programmers that Node adds. */
function flagProblem(error: unknown): string {
  const text = errorText(error);
  const option = /'(--?[^\s']+)/.exec(text)?.[1];
  switch ((error as { code?: unknown }).code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION':
      return `There is no option ${option}.`;
    case 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL':
      return `${/'([^']*)'/.exec(text)?.[1]} belongs to no option.`;
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE':
      return text.includes('does not take')
        ? `${option} takes no value.`
        : `${option} needs a value.`;
    default:
      return text;
  }
}

function parseValues(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    throw badFlag({ reason: flagProblem(error) });
  }
}

/** Reads the command line. Throws `gatehouse/shell:bad_flag` with what is wrong. */
export function parseFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Flags {
  const values = parseValues(argv);
  const address = (flag: 'http' | 'grpc' | 'udp'): ListenAddress => {
    const text = values[flag];
    return text === undefined ? DEFAULTS[flag] : parseAddress(flag, text);
  };
  return {
    headless: values.headless ?? false,
    http: address('http'),
    grpc: address('grpc'),
    udp: address('udp'),
    station: values.station === undefined ? undefined : parseAddress('station', values.station),
    dataDirectory: values['data-dir'],
    apiKey: values['api-key'] ?? (environment.GATEHOUSE_API_KEY || undefined),
    apiKeyOnCommandLine: values['api-key'] !== undefined,
    simulate: parseSimulate(values.simulate),
    joinEuiPrefixes: parseJoinEuiPrefixes(values['join-eui-prefix']),
    devNonceLimit: parseDevNonceLimit(values['dev-nonce-limit']),
    open: !(values['no-open'] ?? false),
    help: values.help ?? false,
    version: values.version ?? false,
  };
}
