import { Button, CloseButton, Group, Kbd, Text, TextInput } from '@mantine/core';
import { IconArrowBarToUp, IconFilter, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { type RefObject, useEffect } from 'react';
import type { FrameList } from './use-frame-list.ts';

interface FrameToolbarProps {
  readonly list: FrameList;
  readonly filter: string;
  /** All recorded frames; undefined as long as unknown. */
  readonly total: number | undefined;
  readonly input: RefObject<HTMLInputElement | null>;
  onFilter(filter: string): void;
}

/** `/` leads to the filter from anywhere on the page. */
function useFilterKey(input: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target instanceof HTMLElement ? event.target : undefined;
      if (event.key !== '/' || target?.matches('input, textarea, [contenteditable]') === true)
        return;
      event.preventDefault();
      input.current?.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [input]);
}

function waitingText(list: FrameList): string {
  if (list.waiting === 0) return 'Paused. Recording goes on.';
  return `Paused. Recording goes on: ${list.waiting.toLocaleString('en')} new ${list.waiting === 1 ? 'frame waits' : 'frames wait'}.`;
}

export function FrameToolbar({ list, filter, total, input, onFilter }: FrameToolbarProps) {
  useFilterKey(input);
  const count = list.frames.length.toLocaleString('en');
  return (
    <Group gap="sm" px={16} h={44} wrap="nowrap">
      <TextInput
        ref={input}
        size="xs"
        w={340}
        value={filter}
        maxLength={200}
        onChange={(event) => onFilter(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onFilter('');
        }}
        placeholder="Device, EUI, DevAddr, gateway, type, cause"
        aria-label="Filter frames"
        data-testid="frame-filter"
        leftSection={<IconFilter size={14} />}
        rightSection={
          filter === '' ? (
            <Kbd size="xs">/</Kbd>
          ) : (
            <CloseButton size="xs" aria-label="Clear filter" onClick={() => onFilter('')} />
          )
        }
      />
      <Button
        size="xs"
        variant={list.paused ? 'filled' : 'default'}
        leftSection={list.paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
        onClick={list.paused ? list.resume : list.pause}
        data-testid="frame-pause"
      >
        {list.paused ? 'Resume' : 'Pause'}
      </Button>
      {list.paused && (
        <Text size="xs" c="dimmed" role="status" className="truncate">
          {waitingText(list)}
        </Text>
      )}
      {list.paused && list.waiting > 0 && (
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconArrowBarToUp size={14} />}
          onClick={list.resume}
        >
          Show newest
        </Button>
      )}
      <Text
        size="xs"
        c="dimmed"
        ml="auto"
        style={{ whiteSpace: 'nowrap' }}
        data-testid="frame-count"
      >
        {count} {list.more ? 'loaded' : 'shown'}
        {total !== undefined && ` of ${total.toLocaleString('en')} recorded`}
      </Text>
    </Group>
  );
}
