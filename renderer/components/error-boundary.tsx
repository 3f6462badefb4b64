import { Button, Code, Stack, Text, Title } from '@mantine/core';
import { Component, type ReactNode } from 'react';

interface State {
  readonly message: string | undefined;
}

/** Keeps navigation alive when a page breaks, and says so. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { message: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    if (this.state.message === undefined) return this.props.children;
    return (
      <Stack align="center" py={80} gap="sm" role="alert">
        <Title order={1} fz={18}>
          This page broke
        </Title>
        <Text size="sm" c="dimmed">
          That is a defect of Gatehouse. Recording goes on; nothing is lost.
        </Text>
        <Code>{this.state.message}</Code>
        <Button variant="default" onClick={() => location.reload()}>
          Load the page again
        </Button>
      </Stack>
    );
  }
}
