import type { PageCommand, Theme } from './channels.ts';

/** What a file is for; each purpose remembers its own folder. */
export type FilePurpose = 'import' | 'export' | 'capture';

export interface PickFileOptions {
  readonly purpose: FilePurpose;
  /** Without dots, such as `json`; empty or absent accepts any file. */
  readonly extensions?: readonly string[];
}

export interface PickedFile {
  /** Name without folder. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface SaveFileOptions {
  readonly purpose: FilePurpose;
  readonly suggestedName: string;
  readonly bytes: Uint8Array;
}

/**
 * What the desktop shell offers beyond a browser, as `window.gatehouse`. A page asks for the function it needs, never for
 * the shell it runs in.
 */
export interface DesktopCapability {
  readonly shell: 'desktop';
  /** Resolves with undefined when the user cancels. */
  pickFile(options: PickFileOptions): Promise<PickedFile | undefined>;
  /** Resolves with whether the file was written; false when the user cancels. */
  saveFile(options: SaveFileOptions): Promise<boolean>;
  /**
   * Calls `listener` for each menu command until the function it returns is called. Signals cannot cross into the
   * preload's world; `listenToCommands` takes one.
   */
  onCommand(listener: (command: PageCommand) => void): () => void;
  readonly theme: {
    /** Makes window frame, menus and dialogs follow. */
    set(theme: Theme): Promise<void>;
  };
}

declare global {
  interface Window {
    readonly gatehouse?: DesktopCapability;
  }
}
