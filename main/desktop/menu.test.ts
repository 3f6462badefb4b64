import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it } from 'vitest';
import { PAGE_PATHS } from '../../preload/channels.ts';
import { MENU_COMMANDS, menuTemplate, type ShellCommand } from './menu.ts';

const PLATFORMS = ['linux', 'win32', 'darwin'] as const;

function build(
  platform: NodeJS.Platform,
  changes: Partial<Parameters<typeof menuTemplate>[0]> = {},
) {
  const commands: string[] = [];
  const template = menuTemplate({
    platform,
    packaged: true,
    appName: 'Gatehouse',
    onNavigate: (path) => commands.push(path),
    onShellCommand: (command) => commands.push(command),
    ...changes,
  });
  return { template, commands, items: template.flatMap(flatten) };
}

function flatten(item: MenuItemConstructorOptions): MenuItemConstructorOptions[] {
  const { submenu } = item;
  return [item, ...(Array.isArray(submenu) ? submenu.flatMap(flatten) : [])];
}

const rolesOf = (items: readonly MenuItemConstructorOptions[]) =>
  items.flatMap(({ role }) => (role === undefined ? [] : [role]));

describe('the menu', () => {
  it.each(PLATFORMS)('offers each command once on %s', (platform) => {
    const { items, commands } = build(platform);
    const expected = MENU_COMMANDS.map((row) => row.path ?? row.command);
    for (const item of items) item.click?.({} as never, undefined as never, {} as never);
    expect(commands.toSorted()).toEqual(expected.toSorted());
    for (const path of PAGE_PATHS) expect(commands).toContain(path);
  });

  it.each(PLATFORMS)('gives no accelerator away twice on %s', (platform) => {
    const accelerators = build(platform).items.flatMap(({ accelerator }) => accelerator ?? []);
    expect(new Set(accelerators).size).toBe(accelerators.length);
  });

  it('starts with the application menu on macOS', () => {
    const { template } = build('darwin');
    const first = template[0] ?? {};
    expect(first.label).toBe('Gatehouse');
    expect(rolesOf(flatten(first))).toEqual([
      'about',
      'services',
      'hide',
      'hideOthers',
      'unhide',
      'quit',
    ]);
  });

  it.each(['linux', 'win32'] as const)('quits from the file menu on %s', (platform) => {
    const { template } = build(platform);
    expect(template[0]?.label).toBe('File');
    expect(rolesOf(flatten(template[0] ?? {}))).toEqual(['quit']);
  });

  it('keeps developer tools out of packages', () => {
    expect(rolesOf(build('linux').items)).not.toContain('toggleDevTools');
    expect(rolesOf(build('linux', { packaged: false }).items)).toContain('toggleDevTools');
  });

  it('shows switches as they are', () => {
    for (const on of [true, false]) {
      const { items } = build('linux', { checked: { 'serve-browsers': on } });
      expect(items.filter(({ type }) => type === 'checkbox')).toMatchObject([
        { id: 'serve-browsers', checked: on },
      ]);
    }
  });

  it('disables what would do nothing', () => {
    const unavailable: ShellCommand[] = ['open-in-browser'];
    const { items } = build('linux', { unavailable });
    expect(items.filter(({ enabled }) => enabled === false).map(({ id }) => id)).toEqual(
      unavailable,
    );
  });
});
