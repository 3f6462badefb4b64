import { defineError, type GatehouseError } from '../base/errors.ts';
import type { LinkState } from '../base/gateway-link.ts';

/** Why a link does not run. Each text says what happened and what to do. */
export const linkErrors = {
  portBusy: defineError(
    'gatehouse/link:port_busy',
    'UNAVAILABLE',
    '{port} is in use by another program. Close that program, or choose another port for this link.',
  ),
  noPermission: defineError(
    'gatehouse/link:no_permission',
    'PERMISSION_DENIED',
    'This user may not open {port}. {remedy}',
  ),
  addressUnavailable: defineError(
    'gatehouse/link:address_unavailable',
    'UNAVAILABLE',
    'No network interface of this computer has the address {address}. Choose 127.0.0.1, 0.0.0.0 or an address of this computer.',
  ),
  notFound: defineError(
    'gatehouse/link:not_found',
    'NOT_FOUND',
    'There is no device at {port}. Plug it in, or choose another port; the link starts as soon as it appears.',
  ),
  vanished: defineError(
    'gatehouse/link:vanished',
    'UNAVAILABLE',
    'The device at {port} went away. Plug it in again; the link goes on by itself.',
  ),
  notAModem: defineError(
    'gatehouse/link:not_a_modem',
    'FAILED_PRECONDITION',
    'The device at {port} does not answer like a LoRa-E5 modem at {baudRate} baud ({answer}). Check the port and the baud rate.',
  ),
  noAnswer: defineError(
    'gatehouse/link:no_answer',
    'UNAVAILABLE',
    'The modem at {port} stopped answering ({reason}). It is opened anew; if that does not help, unplug it and plug it in again.',
  ),
  listFailed: defineError(
    'gatehouse/link:list_failed',
    'UNAVAILABLE',
    'The serial ports of this computer cannot be listed ({reason}). {remedy} The path of the port can be typed in instead.',
  ),
  openFailed: defineError(
    'gatehouse/link:open_failed',
    'UNAVAILABLE',
    '{port} cannot be opened: {reason}.',
  ),
} as const;

/** A link state that carries an error as its cause. */
export function stateWithCause(
  phase: LinkState['phase'],
  error: GatehouseError,
  address?: string,
): LinkState {
  return {
    phase,
    causeCode: error.code,
    causeText: error.message,
    ...(address === undefined ? {} : { address }),
  };
}
