import type { MenuItemConstructorOptions } from 'electron';
import type { PagePath } from '../../preload/channels.ts';

/** What the main process does itself. */
export type ShellCommand =
  | 'open-in-browser'
  | 'serve-browsers'
  | 'allow-headless'
  | 'open-data-folder'
  | 'open-specifications';

type Role = NonNullable<MenuItemConstructorOptions['role']>;

interface CommandRow {
  readonly menu: 'file' | 'view' | 'help';
  readonly label: string;
  readonly accelerator?: string;
  /** Leads to a page of the window. */
  readonly path?: PagePath;
  readonly command?: ShellCommand;
  /** Draws a line above. */
  readonly separated?: boolean;
}

/** Every command of ours in the menu. */
export const MENU_COMMANDS: readonly CommandRow[] = [
  {
    menu: 'file',
    label: 'Register End Device',
    accelerator: 'CmdOrCtrl+N',
    path: '/devices/register',
  },
  { menu: 'view', label: 'Live Frames', accelerator: 'CmdOrCtrl+1', path: '/frames' },
  { menu: 'view', label: 'Devices', accelerator: 'CmdOrCtrl+2', path: '/devices' },
  { menu: 'view', label: 'Gateways', accelerator: 'CmdOrCtrl+3', path: '/gateways' },
  { menu: 'view', label: 'Workspace', accelerator: 'CmdOrCtrl+4', path: '/workspace' },
  { menu: 'help', label: 'Serve to Browsers', command: 'serve-browsers' },
  { menu: 'help', label: 'Open in Browser', command: 'open-in-browser' },
  { menu: 'help', label: 'Allow Headless Start…', command: 'allow-headless', separated: true },
  { menu: 'help', label: 'Show Data Folder', command: 'open-data-folder' },
  {
    menu: 'help',
    label: 'LoRaWAN Specifications',
    command: 'open-specifications',
    separated: true,
  },
];

export interface MenuOptions {
  readonly platform: NodeJS.Platform;
  readonly packaged: boolean;
  readonly appName: string;
  /** Commands that would do nothing now; they are shown disabled. */
  readonly unavailable?: readonly ShellCommand[];
  /** Switches that are on or off. */
  readonly checked?: Readonly<Partial<Record<ShellCommand, boolean>>>;
  readonly onNavigate: (path: PagePath) => void;
  readonly onShellCommand: (command: ShellCommand) => void;
}

const SEPARATOR: MenuItemConstructorOptions = { type: 'separator' };
const roles = (...names: Role[]): MenuItemConstructorOptions[] => names.map((role) => ({ role }));

function commandItem(row: CommandRow, options: MenuOptions): MenuItemConstructorOptions {
  const { command, path } = row;
  const checked = command && options.checked?.[command];
  return {
    id: path ?? command ?? row.label,
    label: row.label,
    ...(row.accelerator !== undefined && { accelerator: row.accelerator }),
    ...(checked !== undefined && { type: 'checkbox' as const, checked }),
    enabled: command === undefined || !options.unavailable?.includes(command),
    click: () => {
      if (path) options.onNavigate(path);
      if (command) options.onShellCommand(command);
    },
  };
}

function commandItems(menu: CommandRow['menu'], options: MenuOptions) {
  return MENU_COMMANDS.filter((row) => row.menu === menu).flatMap((row) => [
    ...(row.separated ? [SEPARATOR] : []),
    commandItem(row, options),
  ]);
}

function macApplicationMenu({ appName }: MenuOptions): MenuItemConstructorOptions {
  return {
    label: appName,
    submenu: [
      ...roles('about'),
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
      submenu: [...roles('undo', 'redo'), SEPARATOR, ...roles('cut', 'copy', 'paste', 'selectAll')],
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
