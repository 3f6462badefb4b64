import { SerialPort } from 'serialport';
import { errorText, type GatehouseError } from '../../base/errors.ts';
import { linkErrors } from '../link-errors.ts';

/** A serial port of this computer. */
export interface SerialPortInfo {
  /** What to open; on macOS the `cu.` name, which does not wait for a carrier. */
  readonly path: string;
  /** Four upper-case hex digits. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
}

export type SerialPortList =
  | { readonly kind: 'listed'; readonly ports: readonly SerialPortInfo[] }
  /** The ports cannot be listed; opening one by its path may still work. */
  | { readonly kind: 'failed'; readonly error: GatehouseError };

/** What the serial library says about a port; all but the path may be missing or odd. */
export interface RawPortInfo {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
}

function usbId(text: string | undefined): string | undefined {
  const digits = text?.replace(/^0x/i, '').toUpperCase();
  return digits && /^[0-9A-F]{1,4}$/.test(digits) ? digits.padStart(4, '0') : undefined;
}

function portInfo(raw: RawPortInfo): SerialPortInfo {
  const vendorId = usbId(raw.vendorId);
  const productId = usbId(raw.productId);
  return {
    path: raw.path.replace(/^\/dev\/tty\./, '/dev/cu.'),
    ...(vendorId === undefined ? {} : { vendorId }),
    ...(productId === undefined ? {} : { productId }),
    ...(raw.serialNumber ? { serialNumber: raw.serialNumber } : {}),
    ...(raw.manufacturer ? { manufacturer: raw.manufacturer } : {}),
  };
}

function listError(error: unknown): GatehouseError {
  const text = errorText(error);
  const noUdev = text.includes('udevadm') && text.includes('ENOENT');
  return linkErrors.listFailed(
    {
      reason: noUdev ? 'the program udevadm is missing' : text,
      remedy: noUdev ? 'Install the package udev.' : 'Try again.',
    },
    { cause: error },
  );
}

/** Lists the serial ports, USB ones first. A failure is an answer of its own, never an exception. */
export async function listSerialPorts(
  list: () => Promise<readonly RawPortInfo[]> = SerialPort.list,
): Promise<SerialPortList> {
  try {
    const ports = (await list()).filter((raw) => raw.path !== '').map(portInfo);
    const rank = (port: SerialPortInfo): number => (port.vendorId === undefined ? 1 : 0);
    ports.sort(
      (a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path, 'en', { numeric: true }),
    );
    return { kind: 'listed', ports };
  } catch (error) {
    return { kind: 'failed', error: listError(error) };
  }
}
