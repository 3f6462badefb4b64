import { Button, CloseButton, Group, Kbd, Text, TextInput, Tooltip } from '@mantine/core';
import {
  IconArrowBarToUp,
  IconFilter,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
} from '@tabler/icons-react';
import type { RefObject } from 'react';
import { useCommand } from '../../state/commands.ts';
import { ExportFrames } from './export-frames.tsx';
import type { FrameScope } from './frame-list.ts';
import type { FrameList } from './use-frame-list.ts';

interface FrameToolbarProps {
  readonly list: FrameList;
  readonly filter: string;
  /** All recorded frames; undefined as long as unknown. */
  readonly total: number | undefined;
  /** Undefined for the frames of all devices. */
  readonly scope: FrameScope | undefined;
  readonly input: RefObject<HTMLInputElement | null>;
  onFilter(filter: string): void;
}

function waitingText(list: FrameList): string {
  if (list.waiting === 0) return 'Paused. Recording goes on.';
  return `Paused. Recording goes on: ${list.waiting.toLocaleString('en')} new ${list.waiting === 1 ? 'frame waits' : 'frames wait'}.`;
}

/** How many of how many, and what the rest is. */
function countText({ list, filter, total, scope }: FrameToolbarProps): string {
  const count = list.frames.length.toLocaleString('en');
  const older = list.more && list.frames.length > 0 ? ' · scroll for older ones' : '';
  const searched = filter.trim() === '' ? 'shown' : list.more ? 'found so far' : 'found';
  if (scope !== undefined) return `${count} ${searched} of this device${older}`;
  const all = total === undefined ? '' : ` of ${total.toLocaleString('en')} recorded`;
  return `${count} ${searched}${all}${older}`;
}

function FilterInput({ filter, input, onFilter }: FrameToolbarProps) {
  return (
    <TextInput
      ref={input}
      size="xs"
      w={340}
      value={filter}
      maxLength={200}
      onChange={(event) => onFilter(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        if (filter === '') event.currentTarget.blur();
        onFilter('');
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
  );
}

function PauseButtons({ list }: { readonly list: FrameList }) {
  const Icon = list.paused ? IconPlayerPlayFilled : IconPlayerPauseFilled;
  return (
    <>
      <Tooltip
        label={
          list.paused
            ? 'Follow the newest frames again (p)'
            : 'Hold the list still (p); recording goes on'
        }
      >
        <Button
          size="xs"
          variant={list.paused ? 'filled' : 'default'}
          leftSection={<Icon size={13} />}
          onClick={list.paused ? list.resume : list.pause}
          data-testid="frame-pause"
        >
          {list.paused ? 'Resume' : 'Pause'}
        </Button>
      </Tooltip>
      {list.paused && (
        <Text size="xs" c="dimmed" role="status" className="truncate" data-testid="frame-waiting">
          {waitingText(list)}
        </Text>
      )}
      {list.paused && list.waiting > 0 && (
        <Button
          size="compact-xs"
          variant="subtle"
          flex="none"
          leftSection={<IconArrowBarToUp size={14} />}
          onClick={list.resume}
        >
          Show newest
        </Button>
      )}
    </>
  );
}

export function FrameToolbar(props: FrameToolbarProps) {
  const { list, filter, scope, input } = props;
  useCommand('find', () => input.current?.focus());
  useCommand('toggle-pause', list.paused ? list.resume : list.pause);
  return (
    <Group gap="sm" px={16} h={44} wrap="nowrap">
      <FilterInput {...props} />
      <PauseButtons list={list} />
      <Text
        size="xs"
        c="dimmed"
        ml="auto"
        style={{ whiteSpace: 'nowrap' }}
        data-testid="frame-count"
      >
        {countText(props)}
      </Text>
      <ExportFrames filter={filter} scope={scope} />
    </Group>
  );
}
