import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  app,
  BrowserWindow,
  crashReporter,
  dialog,
  Menu,
  nativeTheme,
  protocol,
  safeStorage,
  screen,
  session,
  shell,
} from 'electron';
import { errorText } from '../base/errors.ts';
import { createLogger } from '../base/logger.ts';
import { createProtocolHandler } from '../rpc/protocol-handle.ts';
import { startShell } from '../shell/start-shell.ts';
import { startDesktop } from './desktop-app.ts';
import { createLogFile } from './log-file.ts';
import { isOwnUrl } from './origin.ts';

/** Entry of the packaged program, bundled to `dist/main/desktop.js`. */

const log = app.isPackaged
  ? createLogger(
      'info',
      createLogFile(() => join(app.getPath('logs'), 'gatehouse.log')),
    )
  : createLogger('info');

process.on('uncaughtException', (error) => {
  log.error({ error }, 'A failure nobody handled ended the program');
  dialog.showErrorBox('Gatehouse has to close', errorText(error));
  app.exit(1);
});
process.on('unhandledRejection', (error) => {
  log.error({ error }, 'A failure nobody handled');
});

const electron = {
  app,
  BrowserWindow,
  crashReporter,
  dialog,
  Menu,
  nativeTheme,
  protocol,
  safeStorage,
  screen,
  session,
  shell,
};

await startDesktop(electron, {
  argv: process.argv,
  environment: process.env,
  platform: process.platform,
  preloadPath: fileURLToPath(new URL('../preload/preload.cjs', import.meta.url)),
  iconPath: fileURLToPath(new URL('./icon.png', import.meta.url)),
  log: log.area('desktop'),
  now: () => performance.now(),
  print: (text) => {
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  },
  async start(startOptions) {
    const { handle, ...running } = await startShell({ ...startOptions, logger: log });
    const logger = log.area('desktop');
    return { ...running, serveWindow: createProtocolHandler({ handle, isOwn: isOwnUrl, logger }) };
  },
});
