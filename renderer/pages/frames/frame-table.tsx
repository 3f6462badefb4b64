// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot hold rows that are drawn on demand.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names the active row.
import { Button, Loader } from '@mantine/core';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useRef } from 'react';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { FrameRow } from './frame-row.tsx';
import classes from './frame-table.module.css';
import type { FrameList } from './use-frame-list.ts';

const ROW_PX = 28;
const TAIL_PX = 44;
/** Rows before the end at which older frames are asked for. */
const AHEAD_ROWS = 20;

interface FrameTableProps {
  readonly list: FrameList;
  /** The row the keys move. */
  readonly activeId: bigint | undefined;
  readonly selectedId: bigint | undefined;
  /** Shown instead of rows if there are none. */
  readonly empty: ReactNode;
  /** The element that takes the keys. */
  readonly grid: Ref<HTMLDivElement>;
  onMove(id: bigint): void;
  onOpen(id: bigint): void;
  /** The frame in the inspector is chosen once more. */
  onEnter(): void;
  onClose(): void;
}

interface Column {
  readonly label: string;
  readonly title?: string;
  readonly className?: string | undefined;
}

const COLUMNS: readonly Column[] = [
  { label: 'Time' },
  { label: 'Direction', className: classes.quiet },
  { label: 'Type' },
  { label: 'Device or DevAddr' },
  { label: 'FCnt', className: classes.number },
  { label: 'FPort', className: classes.number },
  { label: 'Data rate' },
  { label: 'Frequency', className: `${classes.wide} ${classes.number}` },
  { label: 'RSSI / SNR', className: classes.number },
  {
    label: 'GW',
    title: 'Gateways that heard it, or the one that sent it',
    className: `${classes.wide} ${classes.number}`,
  },
  { label: 'Verdict' },
];

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 15,
  PageUp: -15,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

function nextIndex(frames: readonly Frame[], activeId: bigint | undefined, step: number): number {
  const current = activeId === undefined ? -1 : frames.findIndex(({ id }) => id === activeId);
  const wanted = current === -1 && Number.isFinite(step) ? 0 : current + step;
  return Math.max(0, Math.min(frames.length - 1, wanted));
}

function Tail({ list, offsetPx }: { readonly list: FrameList; readonly offsetPx: number }) {
  const style = { transform: `translateY(${offsetPx}px)`, top: 0 };
  if (list.problem !== undefined) {
    return (
      <div className={classes.tail} style={style} role="alert">
        {list.problem.text}
        <Button size="compact-xs" variant="default" onClick={list.loadOlder}>
          Try again
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.tail} style={style}>
      {list.loadingOlder && <Loader size={14} />}
      {list.loadingOlder ? 'Loading older frames…' : list.more ? '' : 'The oldest recorded frame'}
    </div>
  );
}

/** Loads older frames when the end comes into view, and pauses while the user reads further down. */
function useScrolling(
  list: FrameList,
  virtualizer: Virtualizer<HTMLDivElement, Element>,
  body: { readonly current: HTMLDivElement | null },
): () => void {
  const lastVisible = virtualizer.getVirtualItems().at(-1)?.index ?? -1;
  const { more, loadingOlder, problem, loadOlder } = list;
  const count = list.frames.length;
  useEffect(() => {
    if (more && !loadingOlder && problem === undefined && lastVisible >= count - AHEAD_ROWS) {
      loadOlder();
    }
  }, [more, loadingOlder, problem, loadOlder, lastVisible, count]);
  return () => {
    if ((body.current?.scrollTop ?? 0) > ROW_PX && !list.paused) list.pause();
  };
}

/** What the keys of the table do. */
function keyHandler(props: FrameTableProps, scrollTo: (index: number) => void) {
  const { activeId } = props;
  const { frames } = props.list;
  return (event: KeyboardEvent): void => {
    // Buttons inside (try again, start the demo) keep their keys.
    if (event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement)
      return;
    if (event.key === 'Escape') props.onClose();
    if (event.key === 'Enter' && activeId !== undefined) {
      if (activeId === props.selectedId) props.onEnter();
      else props.onOpen(activeId);
    }
    const step = STEPS[event.key];
    if (step === undefined || frames.length === 0) return;
    event.preventDefault();
    const index = nextIndex(frames, activeId, step);
    const frame = frames[index];
    if (frame === undefined) return;
    scrollTo(index);
    props.onMove(frame.id);
  };
}

function Head() {
  return (
    <div role="rowgroup">
      <div className={classes.head} role="row" aria-rowindex={1}>
        {COLUMNS.map(({ label, title, className }) => (
          <span key={label} role="columnheader" className={className} title={title}>
            {label}
          </span>
        ))}
      </div>
    </div>
  );
}

/** Frames as a table that draws only what is in view. */
export function FrameTable(props: FrameTableProps) {
  const { list, activeId } = props;
  const body = useRef<HTMLDivElement>(null);
  const { frames } = list;
  const virtualizer = useVirtualizer({
    count: frames.length,
    getScrollElement: () => body.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const onScroll = useScrolling(list, virtualizer, body);
  const { paused } = list;
  useEffect(() => {
    if (!paused) body.current?.scrollTo({ top: 0 });
  }, [paused]);

  const onKeyDown = keyHandler(props, (index) => virtualizer.scrollToIndex(index));
  return (
    <div
      ref={props.grid}
      className={classes.wrap}
      role="grid"
      tabIndex={0}
      aria-label="Frames, newest first"
      aria-rowcount={frames.length + 1}
      aria-activedescendant={activeId === undefined ? undefined : `frame-${activeId}`}
      onKeyDown={onKeyDown}
      data-page-focus
      data-testid="frame-table"
    >
      <Head />
      <div ref={body} className={classes.body} onScroll={onScroll}>
        {frames.length === 0 && !list.loadingOlder && props.empty}
        <div
          className={classes.canvas}
          style={{ height: virtualizer.getTotalSize() + TAIL_PX }}
          role="rowgroup"
        >
          {virtualizer.getVirtualItems().map((item) => {
            const frame = frames[item.index];
            if (frame === undefined) return null;
            return (
              <FrameRow
                key={String(frame.id)}
                frame={frame}
                position={item.index + 2}
                offsetPx={item.start}
                active={frame.id === activeId}
                selected={frame.id === props.selectedId}
                onPick={props.onOpen}
              />
            );
          })}
        </div>
        {(frames.length > 0 || list.loadingOlder || list.problem !== undefined) && (
          <Tail list={list} offsetPx={virtualizer.getTotalSize()} />
        )}
      </div>
    </div>
  );
}
