import { useMantineTheme } from '@mantine/core';

/** A coloured dot; always stands beside words that say the same. */
export function StatusDot({ color }: { readonly color: string }) {
  const theme = useMantineTheme();
  return (
    <span
      aria-hidden
      style={{
        flex: '0 0 8px',
        height: 8,
        borderRadius: 4,
        background: theme.colors[color]?.[6] ?? color,
      }}
    />
  );
}
