import { Skeleton, Stack } from '@mantine/core';

/** Placeholder of the size of what is coming, so that nothing jumps. */
export function SkeletonRows({
  count,
  height = 22,
}: {
  readonly count: number;
  readonly height?: number;
}) {
  return (
    <Stack gap={10} aria-busy="true" role="status" aria-label="Loading">
      {Array.from({ length: count }, (_, index) => (
        <Skeleton key={index} height={height} width={`${100 - (index % 3) * 7}%`} />
      ))}
    </Stack>
  );
}
