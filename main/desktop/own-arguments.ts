/** Our flags that are followed by a value. */
const WITH_VALUE = [
  ...['http', 'grpc', 'udp', 'station', 'data-dir', 'api-key', 'simulate'],
  ...['join-eui-prefix', 'dev-nonce-limit'],
];
const WITHOUT_VALUE = ['headless', 'no-open', 'help', 'version'];

export const OWN_FLAGS: readonly string[] = [...WITH_VALUE, ...WITHOUT_VALUE];

export interface OwnArguments {
  /** What our own command line reader may see. */
  readonly own: readonly string[];
  /** Switches meant for Chromium, or mistyped. */
  readonly ignored: readonly string[];
}

/**
 * Separates our flags from those of Chromium, which shares the command line with us and takes any switch. `argv` starts
 * with the program; the folder an unpackaged run is given, and other words that belong to no flag, are dropped.
 */
export function ownArguments(argv: readonly string[]): OwnArguments {
  const own: string[] = [];
  const ignored: string[] = [];
  let takesValue = false;
  for (const argument of argv.slice(1)) {
    const name = /^--([a-z-]+)(=|$)/.exec(argument)?.[1];
    if (takesValue) {
      own.push(argument);
      takesValue = false;
    } else if (name !== undefined && OWN_FLAGS.includes(name)) {
      own.push(argument);
      takesValue = WITH_VALUE.includes(name) && !argument.includes('=');
    } else if (argument.startsWith('-')) {
      ignored.push(argument);
    }
  }
  return { own, ignored };
}
