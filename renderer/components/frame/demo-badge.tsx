import { Badge, Button, Group, Tooltip } from '@mantine/core';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import { notifyProblem, notifyUndo } from '../notify.tsx';

function offerUndo(api: Api): void {
  notifyUndo('The demo is removed', 'Its devices and its virtual gateway are gone.', () => {
    api.workspace.startDemo({}).catch(notifyProblem);
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
