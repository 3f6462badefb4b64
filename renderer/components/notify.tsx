import { notifications } from '@mantine/notifications';
import { toProblem } from '../client/problem.ts';

export function notifyProblem(error: unknown): void {
  notifications.show({ color: 'red', title: 'That did not work', message: toProblem(error).text });
}

export function notifyDone(message: string): void {
  notifications.show({ color: 'teal', message });
}
