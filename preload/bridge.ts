import type { IpcRenderer } from 'electron';
import type { DesktopCapability } from './capability.ts';
import { CHANNELS, PAGE_COMMANDS, type PageCommand } from './channels.ts';

function isPageCommand(value: unknown): value is PageCommand {
  return PAGE_COMMANDS.some((command) => command === value);
}

/** Builds the capability object over the fixed channels; neither `ipcRenderer` nor its events reach the page. */
export function createDesktopCapability(
  ipc: Pick<IpcRenderer, 'invoke' | 'on' | 'off'>,
): DesktopCapability {
  return {
    shell: 'desktop',
    pickFile: (options) => ipc.invoke(CHANNELS.pickFile, options),
    saveFile: (options) => ipc.invoke(CHANNELS.saveFile, options),
    onCommand(listener) {
      const receive = (_event: unknown, command: unknown): void => {
        if (isPageCommand(command)) listener(command);
      };
      ipc.on(CHANNELS.command, receive);
      return () => {
        ipc.off(CHANNELS.command, receive);
      };
    },
    theme: { set: (theme) => ipc.invoke(CHANNELS.setTheme, theme) },
  };
}
