import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { Duplex } from 'node:stream';
import { SerialPort } from 'serialport';
import { errorText, type GatehouseError } from '../../base/errors.ts';
import { linkErrors } from '../link-errors.ts';

/** An open serial port. */
export interface ModemPort {
  /** Bytes both ways; ends, closes or fails when the device goes. */
  readonly stream: Duplex;
  /** Whether the device that was opened is still there under its path. */
  present(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens a serial port; rejects with whatever the system says. */
export type OpenPort = (options: {
  readonly path: string;
  readonly baudRate: number;
}) => Promise<ModemPort>;

/** Which device a path leads to: a device that was plugged in again is another one. */
async function identity(path: string): Promise<string | undefined> {
  if (process.platform === 'win32') return path;
  try {
    const { dev, ino, rdev } = await stat(path);
    return `${dev}:${ino}:${rdev}`;
  } catch {
    return undefined;
  }
}

/** Opens a real serial port: exclusive, and without dropping DTR on close, which resets some boards. */
export const openSerialPort: OpenPort = async ({ path, baudRate }) => {
  const opened = await identity(path);
  const port = new SerialPort({ path, baudRate, autoOpen: false, lock: true, hupcl: false });
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error ? reject(error) : resolve()));
  });
  return {
    stream: port,
    present: async () => port.isOpen && opened === (await identity(path)),
    close: () =>
      new Promise((resolve) => {
        if (port.isOpen) port.close(() => resolve());
        else resolve();
      }),
  };
};

/** What the way out of a missing permission needs to know. */
export interface PermissionFacts {
  readonly platform: NodeJS.Platform;
  readonly userName: string;
  /** Group id of the device node. */
  readonly groupId: number | undefined;
  /** Contents of `/etc/group`. */
  readonly groupFile: string;
}

/** Reads group of the device node and name of the user; what cannot be read stays empty. */
export async function readPermissionFacts(path: string): Promise<PermissionFacts> {
  const [groupId, groupFile] = await Promise.all([
    stat(path).then(
      (node) => node.gid,
      () => undefined,
    ),
    readFile('/etc/group', 'utf8').catch(() => ''),
  ]);
  let userName = '$USER';
  try {
    userName = userInfo().username;
  } catch {
    // A user id without an account has no name.
  }
  return { platform: process.platform, userName, groupId, groupFile };
}

/** What to do about a missing permission, with the command to run where there is one. */
export function permissionRemedy(facts: PermissionFacts): string {
  if (facts.platform !== 'linux') return 'Check the access rights of the device.';
  const line = facts.groupFile
    .split('\n')
    .map((entry) => entry.split(':'))
    .find((entry) => entry[2] === String(facts.groupId));
  const group = line?.[0];
  if (!group || group === 'root') {
    return 'Ask an administrator for access, e.g. by a udev rule that gives the device to your group.';
  }
  return `It belongs to the group ${group}. Run "sudo usermod -aG ${group} ${facts.userName}", then sign out and in again.`;
}

/** Tells the reasons a port cannot be opened apart, by what the different systems say. */
export function openError(error: unknown, path: string, facts: PermissionFacts): GatehouseError {
  const text = errorText(error);
  const options = { cause: error };
  if (/no such file|file not found|cannot find|ENOENT|ENXIO|no such device/i.test(text)) {
    return linkErrors.notFound({ port: path }, options);
  }
  // Windows denies access to a port that another program holds.
  const busyWords = /cannot lock|busy|EBUSY|temporarily unavailable/i;
  if (busyWords.test(text) || (facts.platform === 'win32' && /access denied/i.test(text))) {
    return linkErrors.portBusy({ port: path }, options);
  }
  if (/permission denied|access denied|EACCES|EPERM|not permitted/i.test(text)) {
    return linkErrors.noPermission({ port: path, remedy: permissionRemedy(facts) }, options);
  }
  return linkErrors.openFailed({ port: path, reason: text }, options);
}
