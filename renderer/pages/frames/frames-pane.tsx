import { Button } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { type KeyboardEvent, type ReactNode, useCallback, useRef, useState } from 'react';
import { useWatch } from '../../state/watch-context.ts';
import type { FrameScope } from './frame-list.ts';
import { FrameTable } from './frame-table.tsx';
import { FrameToolbar } from './frame-toolbar.tsx';
import classes from './frames-pane.module.css';
import { Inspector } from './inspector.tsx';
import { useFrameList } from './use-frame-list.ts';

interface FramesPaneProps {
  /** Only frames of this device. */
  readonly scope?: FrameScope;
  readonly selectedId: bigint | undefined;
  /** Shown if nothing was recorded and no filter is set. */
  readonly empty: ReactNode;
  onSelect(id: bigint | undefined): void;
}

const SMALLEST_PX = 140;

interface ResizeHandleProps {
  readonly heightPx: number;
  onResize(heightPx: number): void;
}

function ResizeHandle({ heightPx, onResize }: ResizeHandleProps) {
  const start = useRef<{ readonly y: number; readonly heightPx: number }>(undefined);
  const clamp = (wanted: number): number =>
    Math.round(Math.max(SMALLEST_PX, Math.min(window.innerHeight - 260, wanted)));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that can be moved is no horizontal rule.
    <div
      role="separator"
      className={classes.handle}
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label="Height of the inspector"
      aria-valuenow={heightPx}
      aria-valuemin={SMALLEST_PX}
      aria-valuemax={Math.max(SMALLEST_PX, window.innerHeight - 260)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { y: event.clientY, heightPx };
      }}
      onPointerMove={(event) => {
        const from = start.current;
        if (from !== undefined) onResize(clamp(from.heightPx + from.y - event.clientY));
      }}
      onPointerUp={() => {
        start.current = undefined;
      }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
        event.preventDefault();
        onResize(clamp(heightPx + (event.key === 'ArrowUp' ? 24 : -24)));
      }}
    />
  );
}

/** Table of frames with the inspector below it. */
export function FramesPane({ scope, selectedId, empty, onSelect }: FramesPaneProps) {
  const [filter, setFilter] = useState('');
  const [activeId, setActiveId] = useState(selectedId);
  const [heightPx, setHeightPx] = useLocalStorage({
    key: 'gatehouse.inspector-height',
    defaultValue: 372,
    getInitialValueInEffect: false,
  });
  const input = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const inspector = useRef<HTMLDivElement>(null);
  const list = useFrameList(filter, scope);
  const recorded = useWatch((state) => state.recordedCount);
  const open = useCallback(
    (id: bigint) => {
      setActiveId(id);
      onSelect(id);
    },
    [onSelect],
  );
  const move = (id: bigint): void => {
    setActiveId(id);
    if (selectedId !== undefined) onSelect(id);
  };
  const close = (): void => {
    onSelect(undefined);
    grid.current?.focus();
  };
  const enterFields = (): void =>
    inspector.current?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
  const onInspectorKey = (event: KeyboardEvent<HTMLDivElement>): void => {
    // Menus of the inspector are drawn elsewhere in the document and close by themselves.
    const inside = event.target instanceof Node && event.currentTarget.contains(event.target);
    if (event.key === 'Escape' && inside) grid.current?.focus();
  };
  return (
    <div className={classes.pane}>
      <FrameToolbar
        list={list}
        filter={filter}
        total={scope === undefined ? recorded : undefined}
        scope={scope}
        input={input}
        onFilter={setFilter}
      />
      <div className={classes.table}>
        <FrameTable
          list={list}
          activeId={activeId}
          selectedId={selectedId}
          empty={filter === '' ? empty : <NoMatch onClear={() => setFilter('')} />}
          grid={grid}
          onMove={move}
          onOpen={open}
          onEnter={enterFields}
          onClose={close}
        />
      </div>
      {selectedId !== undefined && (
        <>
          <ResizeHandle heightPx={heightPx} onResize={setHeightPx} />
          {/* biome-ignore lint/a11y/noStaticElementInteractions: only listens for the key that leads back. */}
          <div
            ref={inspector}
            onKeyDown={onInspectorKey}
            className={classes.inspector}
            style={{ height: `min(${heightPx}px, calc(100dvh - 250px))` }}
          >
            <Inspector frameId={selectedId} onSelect={open} onClose={close} />
          </div>
        </>
      )}
    </div>
  );
}

function NoMatch({ onClear }: { onClear(): void }) {
  return (
    <p style={{ textAlign: 'center', padding: '40px 16px', margin: 0 }} role="status">
      No recorded frame matches the filter.{' '}
      <Button size="compact-sm" variant="default" ml={6} onClick={onClear}>
        Clear filter
      </Button>
    </p>
  );
}
