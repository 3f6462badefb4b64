import type { Dialog, Shell } from 'electron';
import { GatehouseError } from '../base/errors.ts';
import { isLoopbackUrl } from './origin.ts';

const LOCKED = 'gatehouse/store:locked';

/** Whether starting failed because another process holds the data folder. */
export function isLocked(error: unknown): error is GatehouseError {
  return error instanceof GatehouseError && error.code === LOCKED;
}

/** Tells the user which process holds the data folder, and opens its interface in the browser on request. */
export async function offerRunningInstance(
  error: GatehouseError,
  electron: {
    readonly dialog: Pick<Dialog, 'showMessageBox'>;
    readonly shell: Pick<Shell, 'openExternal'>;
  },
): Promise<void> {
  const url = String(error.attributes.url ?? '');
  const reachable = isLoopbackUrl(url);
  const { response } = await electron.dialog.showMessageBox({
    type: 'info',
    title: 'Gatehouse',
    message: 'Gatehouse is already running with this data.',
    detail: reachable
      ? `Process ${error.attributes.pid} serves it at ${url}. You can use that one in your browser, or quit it first.`
      : `Process ${error.attributes.pid} holds the data folder. Quit it, or choose another folder with --data-dir.`,
    buttons: reachable ? ['Open in Browser', 'Quit'] : ['Quit'],
    defaultId: 0,
    cancelId: reachable ? 1 : 0,
    noLink: true,
  });
  if (reachable && response === 0) await electron.shell.openExternal(url);
}
