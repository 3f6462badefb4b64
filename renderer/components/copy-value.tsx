import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { copyText } from './copy-text.ts';

interface CopyButtonProps {
  readonly value: string;
  readonly label: string;
}

export function CopyButton({ value, label }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onClick = async (): Promise<void> => {
    if (!(await copyText(value))) return;
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <Tooltip label={copied ? 'Copied' : `Copy ${label}`}>
      <ActionIcon
        size="sm"
        variant="subtle"
        color={copied ? 'teal' : 'gray'}
        aria-label={`Copy ${label}`}
        onClick={() => void onClick()}
      >
        {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}

interface CopyValueProps extends CopyButtonProps {
  /** Shown instead of the value. */
  readonly display?: string;
  /** Goes on in a new line where there is no room, instead of being cut. */
  readonly wrap?: boolean;
}

/** An identifier in fixed-width type with a button that copies it. */
export function CopyValue({ value, label, display, wrap = false }: CopyValueProps) {
  return (
    <Group gap={2} wrap="nowrap" miw={0}>
      <Text size="sm" className={wrap ? 'mono' : 'mono truncate'} title={value}>
        {display ?? value}
      </Text>
      <CopyButton value={value} label={label} />
    </Group>
  );
}
