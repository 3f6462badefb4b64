import { startSpacingMs } from '../workspace/start-spacing.ts';
import type { Flags } from './flags.ts';
import { type InterfaceAddress, isWildcard } from './own-hosts.ts';

const isLoopback = ({ address }: InterfaceAddress): boolean =>
  address === '::1' || address.startsWith('127.');
const isLinkLocal = ({ address }: InterfaceAddress): boolean => address.startsWith('fe80:');

/** Where other computers reach a listener; empty if they cannot. */
function reachableFromOutside(
  { host, port }: { readonly host: string; readonly port: number },
  addresses: readonly InterfaceAddress[],
): string[] {
  if (['127.0.0.1', '::1', 'localhost'].includes(host)) return [];
  const found = isWildcard(host)
    ? addresses
        .filter((one) => host === '::' || one.family === 'IPv4')
        .filter((one) => !isLoopback(one) && !isLinkLocal(one))
        .map(({ address }) => address)
    : [host];
  return found.map((one) => `http://${one.includes(':') ? `[${one}]` : one}:${port}/`);
}

/** What the user should know of what the command line asked for, in sentences. `port` is the one HTTP uses. */
export function noticesFor(
  flags: Flags,
  port: number,
  addresses: readonly InterfaceAddress[],
): string[] {
  const notices = [];
  if (flags.apiKeyOnCommandLine) {
    notices.push(
      'An API key on the command line can be read by other users of this computer; set GATEHOUSE_API_KEY instead.',
    );
  }
  const outside = reachableFromOutside({ host: flags.http.host, port }, addresses);
  if (outside.length > 0) {
    notices.push(
      `Other computers reach the API at ${outside.join(' or ')}; nothing is encrypted on the way there.`,
    );
  }
  if (flags.station) notices.push('Basics Station is not served yet; --station opens nothing.');
  if (flags.simulate) {
    const seconds = Math.ceil((startSpacingMs(flags.simulate) * (flags.simulate - 1)) / 1_000);
    notices.push(
      flags.simulate === 1
        ? 'A simulated device starts.'
        : `${flags.simulate} simulated devices start, one after another within ${seconds} s.`,
    );
  }
  return notices;
}
