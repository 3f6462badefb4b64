import { Button, Group, Stack } from '@mantine/core';
import { IconAntenna, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { Link } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { useApi } from '../../client/api-context.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import { LinkCard } from './link-card.tsx';
import { LinkForm } from './link-form.tsx';
import { SimulatedDevices } from './simulated-devices.tsx';

interface Editing {
  /** Undefined for a new link. */
  readonly link: Link | undefined;
}

function NoLinks({ onAdd }: { onAdd(): void }) {
  const api = useApi();
  const demo = useAction(() => api.workspace.startDemo({}));
  return (
    <EmptyState
      icon={IconAntenna}
      title="No gateway is connected"
      text="Point a packet forwarder at this computer, use a serial modem, or start with simulated devices and a virtual gateway."
    >
      <Group gap="xs" mt="xs">
        <Button size="xs" onClick={onAdd}>
          Connect a gateway
        </Button>
        <Button size="xs" variant="default" loading={demo.busy} onClick={() => void demo.run()}>
          Start the demo
        </Button>
      </Group>
    </EmptyState>
  );
}

/** Ways to hear and to transmit, the gateways behind them, and the simulated devices. `adding` opens the form for one more. */
export function GatewaysPage({ adding }: { readonly adding: boolean }) {
  const [, navigate] = useLocation();
  const links = useWatch((state) => state.links);
  const [editing, setEditing] = useState<Editing>();
  const add = (): void => navigate('/gateways/add');
  const close = (): void => {
    setEditing(undefined);
    if (adding) navigate('/gateways', { replace: true });
  };
  return (
    <Page
      title="Gateways"
      actions={
        <Button size="xs" leftSection={<IconPlus size={15} />} onClick={add} data-testid="add-link">
          Connect a gateway
        </Button>
      }
    >
      <Stack gap="md">
        {links === undefined && <SkeletonRows count={3} height={96} />}
        {links?.length === 0 && <NoLinks onAdd={add} />}
        {links?.map((status) => (
          <LinkCard
            key={status.link?.id}
            status={status}
            onEdit={() => setEditing({ link: status.link })}
          />
        ))}
        <SimulatedDevices />
      </Stack>
      <LinkForm opened={editing !== undefined || adding} link={editing?.link} onClose={close} />
    </Page>
  );
}
