import {
  Badge,
  type CSSVariablesResolver,
  createTheme,
  Modal,
  Notification,
  Tooltip,
} from '@mantine/core';

/** Dense and quiet: an engineer looks at it for hours. */
export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "Noto Sans Mono", "Liberation Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  headings: { fontWeight: '620' },
  components: {
    Badge: Badge.extend({ defaultProps: { tt: 'none', fw: 560 } }),
    Modal: Modal.extend({
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        styles: { title: { fontSize: 16, fontWeight: 620 } },
      },
    }),
    Notification: Notification.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 350, withArrow: true, multiline: true, fz: 'xs' },
    }),
  },
});

/** Darker under the pointer, not lighter: the white text on a button has to stay readable. */
const FILLED_HOVER = {
  '--mantine-primary-color-filled-hover': '#095c6b',
  '--mantine-color-cyan-filled-hover': '#095c6b',
  '--mantine-color-red-filled-hover': '#a51d1d',
};

/** Quiet text that can still be read: at least 4.5:1 on every surface of ours (WCAG 2.2, 1.4.3). */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...FILLED_HOVER,
    '--mantine-color-dimmed': '#5f666d',
    '--mantine-color-placeholder': '#6b7279',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-teal-light-color': '#065f46',
    '--mantine-color-yellow-light-color': '#7a4100',
    '--mantine-color-orange-light-color': '#8f3400',
    '--mantine-color-orange-text': '#a83c00',
    '--mantine-color-red-light-color': '#a11d1d',
  },
  dark: {
    ...FILLED_HOVER,
    '--mantine-color-dimmed': '#a3a3a3',
    '--mantine-color-placeholder': '#8f8f8f',
    '--mantine-color-error': 'var(--mantine-color-red-5)',
  },
});
