import { Badge, Button, Group, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import { notifyProblem } from '../notify.tsx';

function offerUndo(api: Api): void {
  const id = notifications.show({
    autoClose: 12_000,
    title: 'The demo is removed',
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">Its devices and its virtual gateway are gone.</Text>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            api.workspace.startDemo({}).catch((error: unknown) => notifyProblem(error));
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}

/** Says that simulated traffic is on screen and takes it away with one click. */
export function DemoBadge() {
  const api = useApi();
  const running = useWatch((state) => state.workspace?.demoRunning ?? false);
  const remove = useAction(() => api.workspace.removeDemo({}));
  if (!running) return null;
  const onClick = async (): Promise<void> => {
    if (await remove.run()) offerUndo(api);
  };
  return (
    <Group gap={6} wrap="nowrap">
      <Tooltip label="Simulated devices send through a virtual gateway. Nothing leaves this computer by radio.">
        <Badge color="grape" variant="light" size="md" radius="sm" data-testid="demo-badge">
          Demo
        </Badge>
      </Tooltip>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        loading={remove.busy}
        onClick={() => void onClick()}
        data-testid="demo-remove"
      >
        {remove.problem === undefined ? 'Remove the demo' : 'Try again to remove the demo'}
      </Button>
    </Group>
  );
}
