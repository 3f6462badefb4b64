import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Problem } from '../client/problem.ts';
import { ProblemAlert } from './problem-alert.tsx';

interface ConfirmModalProps {
  readonly opened: boolean;
  readonly title: string;
  /** What will happen, in a sentence. */
  readonly children: ReactNode;
  /** What the button does, e.g. "Delete device". */
  readonly action: string;
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  onConfirm(): void;
  onClose(): void;
}

export function ConfirmModal(props: ConfirmModalProps) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title} centered size="md">
      <Stack gap="md">
        <Text size="sm" component="div">
          {props.children}
        </Text>
        {props.problem !== undefined && <ProblemAlert problem={props.problem} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.onClose} data-autofocus>
            Cancel
          </Button>
          <Button
            color="red"
            loading={props.busy}
            onClick={props.onConfirm}
            data-testid="confirm-action"
          >
            {props.action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
