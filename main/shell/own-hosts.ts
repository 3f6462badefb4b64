import { networkInterfaces } from 'node:os';

/** An address of this computer. */
export interface InterfaceAddress {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
}

/** The addresses this computer has at the moment. */
export function interfaceAddresses(): InterfaceAddress[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address, family }) => ({ address, family })),
  );
}

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
const DEFAULT_PORT = 80;

/** Whether a listener at this host can be reached at every address of the computer. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Tells which values of `Host` are ours. */
export interface OwnHosts {
  has(host: string | undefined): boolean;
}

/**
 * The values of `Host` a listener answers to; every other is refused, so that no foreign name can be made to point here.
 * One that listens everywhere also answers to the addresses of this computer, as they are when it is asked: laptops change
 * networks. Names are never taken, since anybody can make theirs lead here.
 */
export function ownHosts(
  host: string,
  port: number,
  addresses: () => readonly InterfaceAddress[] = interfaceAddresses,
): OwnHosts {
  const named = isWildcard(host) ? [] : [bracketed(host.toLowerCase())];
  const atPort = (name: string): string[] =>
    // Browsers leave the default port out.
    port === DEFAULT_PORT ? [name, `${name}:${port}`] : [`${name}:${port}`];
  const fixed = new Set([...LOOPBACK_NAMES, ...named].flatMap(atPort));
  const isReachable = ({ family }: InterfaceAddress): boolean => host === '::' || family === 'IPv4';
  const isInterface = (asked: string): boolean =>
    isWildcard(host) &&
    addresses()
      .filter(isReachable)
      .some(({ address }) => atPort(bracketed(address.toLowerCase())).includes(asked));
  return {
    has(asked) {
      if (asked === undefined) return false;
      const lowerCase = asked.toLowerCase();
      return fixed.has(lowerCase) || isInterface(lowerCase);
    },
  };
}
