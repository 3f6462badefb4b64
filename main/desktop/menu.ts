import type { MenuItemConstructorOptions } from 'electron';
import type { PageCommand } from '../../preload/channels.ts';

/** What the main process does itself. */
export type ShellCommand = 'open-in-browser' | 'open-data-folder' | 'open-specifications';

type Role = NonNullable<MenuItemConstructorOptions['role']>;

interface CommandRow {
  readonly menu: 'file' | 'edit' | 'view' | 'help';
  readonly label: string;
  readonly accelerator?: string;
  /** Carried out by the page. */
  readonly page?: PageCommand;
  readonly shell?: ShellCommand;
  /** Absent where the platform's application menu has it. */
  readonly notOnMac?: boolean;
  /** Draws a line above. */
  readonly separated?: boolean;
}

/** Every command of ours in the menu. */
export const MENU_COMMANDS: readonly CommandRow[] = [
  { menu: 'file', label: 'Add End Device…', accelerator: 'CmdOrCtrl+N', page: 'add-device' },
  { menu: 'file', label: 'Add Gateway…', accelerator: 'CmdOrCtrl+Shift+N', page: 'add-gateway' },
  {
    menu: 'file',
    label: 'Export Frames…',
    accelerator: 'CmdOrCtrl+E',
    page: 'export-frames',
    separated: true,
  },
  {
    menu: 'file',
    label: 'Settings…',
    accelerator: 'CmdOrCtrl+,',
    page: 'open-settings',
    notOnMac: true,
    separated: true,
  },
  { menu: 'edit', label: 'Find', accelerator: 'CmdOrCtrl+F', page: 'find', separated: true },
  { menu: 'view', label: 'Overview', accelerator: 'CmdOrCtrl+1', page: 'show-overview' },
  { menu: 'view', label: 'End Devices', accelerator: 'CmdOrCtrl+2', page: 'show-devices' },
  { menu: 'view', label: 'Gateways', accelerator: 'CmdOrCtrl+3', page: 'show-gateways' },
  { menu: 'view', label: 'Live Frames', accelerator: 'CmdOrCtrl+4', page: 'show-frames' },
  { menu: 'help', label: 'Open in Browser', shell: 'open-in-browser' },
  { menu: 'help', label: 'Show Data Folder', shell: 'open-data-folder' },
  { menu: 'help', label: 'LoRaWAN Specifications', shell: 'open-specifications', separated: true },
];

export interface MenuOptions {
  readonly platform: NodeJS.Platform;
  readonly packaged: boolean;
  readonly appName: string;
  /** Commands that would do nothing now; they are shown disabled. */
  readonly unavailable?: readonly ShellCommand[];
  readonly onPageCommand: (command: PageCommand) => void;
  readonly onShellCommand: (command: ShellCommand) => void;
}

const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' };
const roles = (...names: Role[]): MenuItemConstructorOptions[] => names.map((role) => ({ role }));

function commandItem(row: CommandRow, options: MenuOptions): MenuItemConstructorOptions {
  const { page, shell } = row;
  return {
    id: page ?? shell ?? row.label,
    label: row.label,
    ...(row.accelerator !== undefined && { accelerator: row.accelerator }),
    enabled: shell === undefined || !options.unavailable?.includes(shell),
    click: () => {
      if (page) options.onPageCommand(page);
      if (shell) options.onShellCommand(shell);
    },
  };
}

function commandItems(menu: CommandRow['menu'], options: MenuOptions) {
  return MENU_COMMANDS.filter(
    (row) => row.menu === menu && !(row.notOnMac && options.platform === 'darwin'),
  ).flatMap((row) => [...(row.separated ? [SEPARATOR] : []), commandItem(row, options)]);
}

function macApplicationMenu(options: MenuOptions): MenuItemConstructorOptions {
  const settings = MENU_COMMANDS.filter((row) => row.notOnMac).map((row) =>
    commandItem(row, options),
  );
  return {
    label: options.appName,
    submenu: [
      ...roles('about'),
      SEPARATOR,
      ...settings,
      SEPARATOR,
      ...roles('services'),
      SEPARATOR,
      ...roles('hide', 'hideOthers', 'unhide'),
      SEPARATOR,
      ...roles('quit'),
    ],
  };
}

/** The application menu of a platform, for `Menu.buildFromTemplate`. */
export function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
  const mac = options.platform === 'darwin';
  const developer = options.packaged ? [] : roles('reload', 'toggleDevTools');
  return [
    ...(mac ? [macApplicationMenu(options)] : []),
    {
      label: 'File',
      submenu: [
        ...commandItems('file', options),
        SEPARATOR,
        ...(mac ? roles('close') : roles('quit')),
      ],
    },
    {
      label: 'Edit',
      submenu: [
        ...roles('undo', 'redo'),
        SEPARATOR,
        ...roles('cut', 'copy', 'paste', 'selectAll'),
        ...commandItems('edit', options),
      ],
    },
    {
      label: 'View',
      submenu: [
        ...commandItems('view', options),
        SEPARATOR,
        ...roles('resetZoom', 'zoomIn', 'zoomOut'),
        SEPARATOR,
        ...roles('togglefullscreen'),
        ...(developer.length > 0 ? [SEPARATOR, ...developer] : []),
      ],
    },
    { label: 'Window', role: 'windowMenu' },
    {
      role: 'help',
      label: 'Help',
      submenu: [...commandItems('help', options), ...(mac ? [] : roles('about'))],
    },
  ];
}
