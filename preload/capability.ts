import type { PagePath } from './channels.ts';

/**
 * What the desktop shell offers beyond a browser, as `window.gatehouse`: its native menu. A page asks for the function it
 * needs, never for the shell it runs in; in a browser the whole object is absent.
 */
export interface DesktopCapability {
  /**
   * Calls `listener` with the address of the page a menu item leads to, until the function it returns is called. The page
   * goes there by itself, so that it keeps what it holds.
   */
  onNavigate(listener: (path: PagePath) => void): () => void;
}

declare global {
  interface Window {
    readonly gatehouse?: DesktopCapability;
  }
}
