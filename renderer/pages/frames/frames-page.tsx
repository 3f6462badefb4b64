import { Button, Group } from '@mantine/core';
import { IconAntennaBars5 } from '@tabler/icons-react';
import { useCallback } from 'react';
import { Link, useLocation } from 'wouter';
import { useApi } from '../../client/api-context.ts';
import { EmptyState } from '../../components/empty-state.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import { FramesPane } from './frames-pane.tsx';

function NothingYet() {
  const api = useApi();
  const connected = useWatch((state) => state.links !== undefined);
  const anyLink = useWatch((state) => state.links?.some((it) => it.link?.enabled) ?? false);
  const demo = useAction(() => api.workspace.startDemo({}));
  if (!connected) {
    return (
      <div style={{ padding: 16 }}>
        <SkeletonRows count={12} height={16} />
      </div>
    );
  }
  return (
    <EmptyState
      icon={IconAntennaBars5}
      title="No frame was heard yet"
      text={
        anyLink
          ? 'Gatehouse is listening. The first frame appears here the moment a gateway hears one, even if no device is registered. No hardware at hand? The demo sends frames of three simulated devices.'
          : 'Connect a gateway: point a packet forwarder at this computer, plug in a serial modem, or let simulated devices send.'
      }
    >
      <Group gap="xs" mt="xs">
        <Button component={Link} href="/gateways/add" size="xs">
          Connect a gateway
        </Button>
        <Button size="xs" variant="default" loading={demo.busy} onClick={() => void demo.run()}>
          Start the demo
        </Button>
      </Group>
      {demo.problem !== undefined && <ProblemAlert problem={demo.problem} />}
    </EmptyState>
  );
}

function parseId(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

/** Everything heard and sent, as it happens. */
export function FramesPage({ selectedId }: { readonly selectedId: string | undefined }) {
  const [, navigate] = useLocation();
  const onSelect = useCallback(
    (id: bigint | undefined) =>
      navigate(id === undefined ? '/frames' : `/frames/${id}`, { replace: true }),
    [navigate],
  );
  return <FramesPane selectedId={parseId(selectedId)} onSelect={onSelect} empty={<NothingYet />} />;
}
