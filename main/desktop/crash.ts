import type { App, CrashReporter } from 'electron';
import type { Logger } from '../base/logger.ts';

/** A window that dies more often than this within a minute is left alone. */
const MAX_RELOADS_PER_MINUTE = 3;

/** Keeps crash dumps on this computer. To be called before the app is ready. */
export function keepCrashDumps(crashReporter: Pick<CrashReporter, 'start'>): void {
  crashReporter.start({ uploadToServer: false, compress: false });
}

/** Logs processes that die, and loads a window's page again when its process is gone. */
export function watchProcesses(
  app: Pick<App, 'on'>,
  options: { readonly log: Pick<Logger, 'error'>; readonly now: () => number },
): void {
  let reloads: number[] = [];
  app.on('render-process-gone', (_event, contents, { reason, exitCode }) => {
    if (reason === 'clean-exit') return;
    options.log.error({ reason, exitCode }, 'The process of the window ended');
    const now = options.now();
    reloads = reloads.filter((at) => now - at < 60_000);
    if (reloads.length >= MAX_RELOADS_PER_MINUTE || contents.isDestroyed()) return;
    reloads.push(now);
    contents.reload();
  });
  app.on('child-process-gone', (_event, { type, reason, exitCode, name }) => {
    if (reason === 'clean-exit') return;
    options.log.error({ type, reason, exitCode, name: name ?? '' }, 'A helper process ended');
  });
}
