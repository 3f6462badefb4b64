import { Tooltip } from '@mantine/core';
import { Link } from 'wouter';
import type { LinkStatus } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import {
  frameAge,
  linkActivity,
  linkTitle,
  phaseWords,
  statisticsAge,
} from '../../formats/link-words.ts';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';
import { StatusDot } from '../status-dot.tsx';
import classes from './app-frame.module.css';

/** Links named in the line; the others are counted. */
const MOST_SHOWN = 2;

interface LinkLineProps {
  readonly status: LinkStatus;
  readonly nowMs: number;
}

/** State, last frame and last statistics as three facts: one dot for all would lie. */
function LinkLine({ status, nowMs }: LinkLineProps) {
  const heardMs = useWatch((state) => state.lastFrameMsByLink[status.link?.id ?? '']);
  const { lastFrameMs, lastStatusMs } = linkActivity(status, heardMs);
  const { label, color } = phaseWords(status.phase);
  const line = (
    <Link href="/gateways" className={classes.status ?? ''}>
      <StatusDot color={color} />
      <span className="truncate">
        <strong>{linkTitle(status)}</strong> {label.toLowerCase()} · {frameAge(lastFrameMs, nowMs)}
        {status.link?.config.case === 'semtechUdp' && ` · ${statisticsAge(lastStatusMs, nowMs)}`}
      </span>
    </Link>
  );
  return status.causeText === '' ? line : <Tooltip label={status.causeText}>{line}</Tooltip>;
}

function byImportance(left: LinkStatus, right: LinkStatus): number {
  return (
    Number(left.link?.config.case === 'virtual') - Number(right.link?.config.case === 'virtual')
  );
}

/** The status line at the bottom of every page. */
export function StatusFooter() {
  const nowMs = useNow();
  const links = useWatch((state) => state.links);
  const phase = useWatch((state) => state.phase);
  const version = useWatch((state) => state.workspace?.version);
  // What was known before the connection was lost says nothing about now.
  const known = phase === 'live' ? links : undefined;
  const enabled = known?.filter((status) => status.link?.enabled === true) ?? [];
  const shown = [...enabled].sort(byImportance).slice(0, MOST_SHOWN);
  return (
    <footer className={classes.footer} data-testid="status-footer">
      {known === undefined && (
        <span className={classes.status}>
          <StatusDot color="gray" />
          {phase === 'lost' ? 'Not connected; the state of the gateways is unknown' : 'Connecting…'}
        </span>
      )}
      {known !== undefined && enabled.length === 0 && (
        <Link href="/gateways" className={classes.status ?? ''}>
          <StatusDot color="gray" /> No gateway is connected. Add one
        </Link>
      )}
      {shown.map((status) => (
        <LinkLine key={status.link?.id} status={status} nowMs={nowMs} />
      ))}
      {enabled.length > shown.length && (
        <Link href="/gateways" className={classes.status ?? ''}>
          and {enabled.length - shown.length} more
        </Link>
      )}
      <div className={classes.spacer} />
      {version !== undefined && <span>{version}</span>}
    </footer>
  );
}
