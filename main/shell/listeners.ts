import { defineError, errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ListenAddress } from './flags.ts';

export const portBusy = defineError(
  'gatehouse/shell:port_busy',
  'UNAVAILABLE',
  'The {service} address {address} is in use by another program. Stop that program, or choose another with --{service}.',
);
export const cannotListen = defineError(
  'gatehouse/shell:cannot_listen',
  'UNAVAILABLE',
  'The {service} address {address} cannot be used: {reason}. Choose another with --{service}.',
);

/** Why a socket would not listen, in words. */
function reasonOf(error: unknown): string {
  switch ((error as { code?: unknown }).code) {
    case 'EADDRNOTAVAIL':
      return 'this computer has no such address';
    case 'EACCES':
      return 'the system reserves this port for its own programs';
    case 'ENOTFOUND':
      return 'nobody knows this name';
    default:
      return errorText(error);
  }
}

function failure(service: string, { host, port }: ListenAddress, error: unknown): Error {
  const address = `${host}:${port}`;
  return (error as { code?: unknown }).code === 'EADDRINUSE'
    ? portBusy({ service, address }, { cause: error })
    : cannotListen({ service, address, reason: reasonOf(error) }, { cause: error });
}

/**
 * Opens a listener at the wanted address. If that is busy and was only a default, any free port serves; if it was asked for
 * explicitly, the error says what to do.
 */
export async function openListener<T extends { readonly address: string }>(
  service: string,
  wanted: ListenAddress,
  logger: Logger,
  start: (host: string, port: number) => Promise<T>,
): Promise<T> {
  try {
    return await start(wanted.host, wanted.port);
  } catch (error) {
    const problem = failure(service, wanted, error);
    if (wanted.explicit || wanted.port === 0) throw problem;
    logger.warn({ service, port: wanted.port }, `${problem.message} Taking a free port instead.`);
    return start(wanted.host, 0);
  }
}
