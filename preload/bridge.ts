import type { IpcRenderer } from 'electron';
import type { DesktopCapability } from './capability.ts';
import { NAVIGATE_CHANNEL, PAGE_PATHS, type PagePath } from './channels.ts';

function isPagePath(value: unknown): value is PagePath {
  return PAGE_PATHS.some((path) => path === value);
}

/**
 * Builds the capability object. Neither `ipcRenderer` nor its events reach the page, and it can send nothing: whatever a
 * page wants of Gatehouse goes through the API.
 */
export function createDesktopCapability(ipc: Pick<IpcRenderer, 'on' | 'off'>): DesktopCapability {
  return {
    onNavigate(listener) {
      const receive = (_event: unknown, path: unknown): void => {
        if (isPagePath(path)) listener(path);
      };
      ipc.on(NAVIGATE_CHANNEL, receive);
      return () => {
        ipc.off(NAVIGATE_CHANNEL, receive);
      };
    },
  };
}
