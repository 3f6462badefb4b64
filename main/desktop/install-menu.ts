import type { PagePath } from '../../preload/channels.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ElectronParts, RunningShell } from './desktop-app.ts';
import { menuTemplate, type ShellCommand } from './menu.ts';

const SPECIFICATIONS_URL = 'https://resources.lora-alliance.org/';

export interface InstallMenuOptions {
  readonly electron: Pick<ElectronParts, 'app' | 'dialog' | 'Menu' | 'shell'>;
  readonly platform: NodeJS.Platform;
  readonly log: Pick<Logger, 'warn'>;
  readonly running: Pick<RunningShell, 'browserInterface' | 'keyFile'>;
  readonly dataFolder: string;
  /** Leads the window to a page. */
  readonly show: (path: PagePath) => void;
}

/** Asks before the keys are protected in a second, weaker way. */
async function allowHeadless({ electron, running }: InstallMenuOptions): Promise<void> {
  const { response } = await electron.dialog.showMessageBox({
    type: 'question',
    title: 'Gatehouse',
    message: 'Allow Gatehouse to start without this window and your keychain?',
    detail:
      'A key file is added to the data folder. Whoever can read that folder can then read the device keys, with or without your keychain.',
    buttons: ['Add Key File', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  });
  if (response === 0) await running.keyFile.add();
}

function unavailable({ running }: InstallMenuOptions): ShellCommand[] {
  return [
    ...(running.browserInterface.isOn ? [] : (['open-in-browser'] as const)),
    ...(running.keyFile.isPresent ? (['allow-headless'] as const) : []),
  ];
}

/** Installs the application menu, and again whenever what it shows has changed. */
export function installMenu(options: InstallMenuOptions): void {
  const { dataFolder, electron, log, platform, running, show } = options;
  const { browserInterface } = running;
  const run: Record<ShellCommand, () => Promise<unknown>> = {
    'serve-browsers': () => browserInterface.switchTo(!browserInterface.isOn),
    'open-in-browser': async () => {
      const link = browserInterface.newLink();
      if (link !== undefined) await electron.shell.openExternal(link);
    },
    'allow-headless': () => allowHeadless(options),
    'open-data-folder': () => electron.shell.openPath(dataFolder),
    'open-specifications': () => electron.shell.openExternal(SPECIFICATIONS_URL),
  };
  const install = (): void => {
    const template = menuTemplate({
      platform,
      packaged: electron.app.isPackaged,
      appName: electron.app.name,
      unavailable: unavailable(options),
      checked: { 'serve-browsers': browserInterface.isOn },
      onNavigate: show,
      onShellCommand: (command) => {
        run[command]()
          .catch((error: unknown) => {
            log.warn({ command, error: errorText(error) }, 'A menu command failed');
          })
          // A checkbox has ticked itself already, whether or not the command worked.
          .finally(install);
      },
    });
    electron.Menu.setApplicationMenu(electron.Menu.buildFromTemplate(template));
  };
  install();
}
