import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import type { Problem } from '../client/problem.ts';

interface ProblemAlertProps {
  readonly problem: Problem;
  readonly title?: string;
  readonly onRetry?: () => void;
}

/** A failure in words, its stable name to search for, and a way to try again. */
export function ProblemAlert({ problem, title, onRetry }: ProblemAlertProps) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertCircle size={18} />}
      title={title ?? 'That did not work'}
      role="alert"
      data-testid="problem"
    >
      <Text size="sm">{problem.text}</Text>
      <Group gap="sm" mt={problem.code === undefined && onRetry === undefined ? 0 : 6}>
        {onRetry !== undefined && (
          <Button size="compact-xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
        {problem.code !== undefined && <Code fz={11}>{problem.code}</Code>}
      </Group>
    </Alert>
  );
}
