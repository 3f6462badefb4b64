import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { toProblem } from '../client/problem.ts';

/** Time to think it over. */
const UNDO_MS = 12_000;

export function notifyProblem(error: unknown): void {
  notifications.show({ color: 'red', title: 'That did not work', message: toProblem(error).text });
}

export function notifyDone(message: string): void {
  notifications.show({ color: 'teal', message });
}

/** Says what is gone, and offers to bring it back. */
export function notifyUndo(title: string, text: string, undo: () => void): void {
  const id = notifications.show({
    autoClose: UNDO_MS,
    title,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{text}</Text>
        <Button
          size="compact-sm"
          variant="light"
          data-testid="undo"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}
