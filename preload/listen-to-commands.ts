import type { DesktopCapability } from './capability.ts';
import type { PageCommand } from './channels.ts';

/** Calls `listener` for each menu command until `signal` aborts. For use in the page. */
export function listenToCommands(
  capability: Pick<DesktopCapability, 'onCommand'>,
  listener: (command: PageCommand) => void,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  signal.addEventListener('abort', capability.onCommand(listener), { once: true });
}
