import { Button, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';
import { notifyDone } from '../notify.tsx';
import classes from './app-frame.module.css';

function LostBar() {
  const now = useNow(500);
  const retryAtMs = useWatch((state) => state.retryAtMs);
  const retryNow = useWatch((state) => state.retryNow);
  const seconds = retryAtMs === undefined ? 0 : Math.max(0, Math.ceil((retryAtMs - now) / 1000));
  return (
    <div className={classes.bar} data-tone="warning" role="status" data-testid="connection-lost">
      <IconPlugConnectedX size={17} aria-hidden />
      <Text size="sm">
        The connection to Gatehouse is lost. What is on screen may be out of date; recording goes on
        as long as the program runs.
      </Text>
      <Text size="sm">{seconds > 0 ? `Next attempt in ${seconds} s` : 'Connecting…'}</Text>
      <Button size="compact-xs" variant="default" onClick={retryNow}>
        Try now
      </Button>
    </div>
  );
}

function ReloadBar() {
  return (
    <div className={classes.bar} data-tone="info" role="status">
      <IconRefresh size={17} aria-hidden />
      <Text size="sm">Gatehouse was updated. This page belongs to the former version.</Text>
      <Button size="compact-xs" onClick={() => location.reload()}>
        Load the page again
      </Button>
    </div>
  );
}

function SkippedBar({ count, onHide }: { readonly count: number; readonly onHide: () => void }) {
  return (
    <div className={classes.bar} data-tone="warning" role="status" data-testid="frames-skipped">
      <IconAlertTriangle size={17} aria-hidden />
      <Text size="sm">
        {count} {count === 1 ? 'frame was' : 'frames were'} skipped on screen because this page was
        too slow. They are recorded and found by scrolling back or filtering.
      </Text>
      <Button size="compact-xs" variant="default" onClick={onHide}>
        Hide
      </Button>
    </div>
  );
}

/** Says that a lost connection is back. */
function useBackNotice(): void {
  const phase = useWatch((state) => state.phase);
  const lost = useRef(false);
  useEffect(() => {
    if (phase === 'lost') lost.current = true;
    if (phase !== 'live' || !lost.current) return;
    lost.current = false;
    notifyDone('Connected again. What was recorded meanwhile is in the list.');
  }, [phase]);
}

/** Bars below the header; none as long as all is well. */
export function NoticeBars() {
  useBackNotice();
  const lost = useWatch((state) => state.phase === 'lost');
  const outdated = useWatch(
    (state) =>
      state.firstBuildId !== undefined &&
      state.workspace !== undefined &&
      state.workspace.buildId !== state.firstBuildId,
  );
  const skipped = useWatch((state) => state.skippedFrames);
  const [seen, setSeen] = useState(0);
  return (
    <div>
      {lost && <LostBar />}
      {outdated && <ReloadBar />}
      {skipped > seen && <SkippedBar count={skipped - seen} onHide={() => setSeen(skipped)} />}
    </div>
  );
}
