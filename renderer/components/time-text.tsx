import { Tooltip } from '@mantine/core';
import { agoOrNever, timeTooltip } from '../formats/time.ts';

interface AgeProps {
  readonly ms: number | undefined;
  readonly nowMs: number;
}

/** `3 s ago`, with the exact time on demand. */
export function Age({ ms, nowMs }: AgeProps) {
  const text = agoOrNever(ms, nowMs);
  if (ms === undefined) return <span>{text}</span>;
  return (
    <Tooltip label={timeTooltip(ms, nowMs)}>
      <span>{text}</span>
    </Tooltip>
  );
}
