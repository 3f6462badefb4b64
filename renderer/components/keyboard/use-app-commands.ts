import { useEffect } from 'react';
import { useLocation } from 'wouter';
import type {} from '../../../preload/capability.ts';
import { type Command, commands, useCommand } from '../../state/commands.ts';
import { matchKey, ownsKeys } from '../../state/shortcuts.ts';

/** Commands carried out so far. */
let performed = 0;

/**
 * Puts the focus into the page that has just appeared, so that the next Tab goes on from there; not if another command has
 * placed it elsewhere by then.
 */
function focusPage(): void {
  const round = performed;
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (round !== performed) return;
      const wanted = document.querySelector<HTMLElement>('[data-page-focus]');
      (wanted ?? document.getElementById('main'))?.focus();
    }),
  );
}

/** Commands that belong to one page, and the page that has them. */
const HOME_OF: Partial<Record<Command, string>> = {
  find: '/frames',
  'export-frames': '/frames',
};

/** Carries a command out here, or on the page it belongs to. */
function perform(command: Command, navigate: (path: string) => void): void {
  performed += 1;
  if (commands.run(command)) return;
  const home = HOME_OF[command];
  if (home === undefined) return;
  commands.leave(command);
  navigate(home);
}

function useNavigationCommands(navigate: (path: string) => void): void {
  const go = (path: string) => () => {
    navigate(path);
    focusPage();
  };
  useCommand('show-frames', go('/frames'));
  useCommand('show-devices', go('/devices'));
  useCommand('show-gateways', go('/gateways'));
  useCommand('show-catalogue', go('/catalogue'));
  useCommand('show-workspace', go('/workspace'));
  useCommand('add-device', go('/devices/register'));
  useCommand('add-gateway', () => navigate('/gateways/add'));
}

/** Listens to shortcut keys and, in the desktop shell, to its menu. */
export function useAppCommands(): void {
  const [, navigate] = useLocation();
  useNavigationCommands(navigate);
  useEffect(() => {
    let before: { readonly key: string; readonly atMs: number } | undefined;
    const onKey = (event: KeyboardEvent): void => {
      const modified = event.ctrlKey || event.metaKey || event.altKey;
      if (modified || event.defaultPrevented || ownsKeys(event.target)) return;
      const pressed = { key: event.key, atMs: event.timeStamp };
      const match = matchKey(before, pressed);
      before = match.kind === 'begun' ? pressed : undefined;
      if (match.kind !== 'command') return;
      event.preventDefault();
      perform(match.command, navigate);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate]);
  useEffect(
    () =>
      window.gatehouse?.onNavigate((path) => {
        performed += 1;
        navigate(path);
        focusPage();
      }),
    [navigate],
  );
}
