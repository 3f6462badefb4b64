import {
  IconActivity,
  IconAntenna,
  IconBooks,
  IconCpu,
  IconSettings,
  type TablerIcon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import iconUrl from '../../icon.svg';
import { ShortcutHelp } from '../keyboard/shortcut-help.tsx';
import { useAppCommands } from '../keyboard/use-app-commands.ts';
import classes from './app-frame.module.css';
import { ColorSchemeMenu } from './color-scheme-menu.tsx';
import { DemoBadge } from './demo-badge.tsx';
import { NoticeBars } from './notice-bars.tsx';
import { StatusFooter } from './status-footer.tsx';

interface NavItem {
  readonly path: string;
  readonly label: string;
  readonly icon: TablerIcon;
}

const NAV: readonly NavItem[] = [
  { path: '/frames', label: 'Live frames', icon: IconActivity },
  { path: '/devices', label: 'Devices', icon: IconCpu },
  { path: '/gateways', label: 'Gateways', icon: IconAntenna },
  { path: '/catalogue', label: 'Catalogue', icon: IconBooks },
  { path: '/workspace', label: 'Workspace', icon: IconSettings },
];

function Navigation() {
  const [location] = useLocation();
  return (
    <nav className={classes.nav} aria-label="Main">
      {NAV.map(({ path, label, icon: Icon }) => {
        const current = location === path || location.startsWith(`${path}/`);
        return (
          <Link
            key={path}
            href={path}
            className={classes.link ?? ''}
            aria-label={label}
            aria-current={current ? 'page' : undefined}
            data-testid={`nav-${path.slice(1)}`}
          >
            <Icon size={17} stroke={1.7} aria-hidden />
            <span>{label}</span>
          </Link>
        );
      })}
    </nav>
  );
}

/** Header with navigation, bars about the connection, the page, and the status line. */
export function AppFrame({ children }: { readonly children: ReactNode }) {
  useAppCommands();
  return (
    <div className={classes.frame}>
      <header className={classes.header}>
        <button
          type="button"
          className={classes.skip}
          onClick={() => document.getElementById('main')?.focus()}
        >
          Skip to the page
        </button>
        <Link href="/frames" className={classes.brand ?? ''} aria-label="Gatehouse">
          <img src={iconUrl} width={22} height={22} alt="" />
          <span>Gatehouse</span>
        </Link>
        <Navigation />
        <div className={classes.spacer} />
        <DemoBadge />
        <ShortcutHelp />
        <ColorSchemeMenu />
      </header>
      <NoticeBars />
      <main id="main" tabIndex={-1} className={classes.main}>
        {children}
      </main>
      <StatusFooter />
    </div>
  );
}
