import { Alert, Badge, Button, Grid, Group, Stack, Table, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useEffect } from 'react';
import type {
  Diagnostics,
  WorkspaceInfo,
} from '../../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { useApi } from '../../client/api-context.ts';
import { CopyValue } from '../../components/copy-value.tsx';
import { Facts } from '../../components/facts.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { StatusDot } from '../../components/status-dot.tsx';
import { formatSize, toHex } from '../../formats/bytes.ts';
import { codeInWords } from '../../formats/frame-words.ts';
import { dateTime, duration, timestampMs } from '../../formats/time.ts';
import { useAction } from '../../state/use-action.ts';
import { useLoad } from '../../state/use-load.ts';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';

const REFRESH_MS = 2_000;

const PROTECTIONS: Readonly<Record<string, string>> = {
  keychain: "the system's keychain",
  key_file: 'a key file in the data folder',
  passphrase: 'a passphrase',
  basic_text: 'nothing but a text file',
};

const SERVICES: Readonly<Record<string, string>> = {
  http: 'HTTP API and this page',
  grpc: 'gRPC API',
  udp: 'Packet forwarders (Semtech UDP)',
  station: 'Basics Station',
};

function About({ info }: { readonly info: WorkspaceInfo }) {
  const nowMs = useNow();
  const startedMs = timestampMs(info.startedAt);
  return (
    <Panel title="Program">
      <Facts
        facts={[
          { label: 'Version', value: `${info.version} on ${info.platform}` },
          {
            label: 'Running since',
            value:
              startedMs === undefined
                ? '–'
                : `${dateTime(startedMs)} (${duration(nowMs - startedMs)})`,
          },
          {
            label: 'Data folder',
            value: <CopyValue value={info.dataDirectory} label="path of the data folder" />,
          },
          { label: 'NetID', value: <span className="mono">{toHex(info.netId) || '–'}</span> },
          {
            label: 'DevAddr block',
            value: <span className="mono">{info.devAddrBlock || '–'}</span>,
          },
          {
            label: 'Stored keys',
            value: (
              <Group gap={6}>
                <Badge color={info.keysProtected ? 'teal' : 'yellow'} variant="light" radius="sm">
                  {info.keysProtected ? 'Protected' : 'Not protected'}
                </Badge>
                <span>by {PROTECTIONS[info.keyProtection] ?? info.keyProtection}</span>
              </Group>
            ),
          },
          { label: 'Devices', value: info.deviceCount.toLocaleString('en') },
          { label: 'Gateways', value: info.gatewayCount.toLocaleString('en') },
          { label: 'Recorded frames', value: Number(info.frameCount).toLocaleString('en') },
        ]}
      />
    </Panel>
  );
}

function Listeners({ info }: { readonly info: WorkspaceInfo }) {
  return (
    <Panel title="Addresses in use">
      <Table layout="fixed" verticalSpacing={4}>
        <Table.Tbody>
          {info.listeners.map((listener) => (
            <Table.Tr key={`${listener.service}/${listener.address}`}>
              <Table.Td>
                <Group gap={7} wrap="nowrap">
                  <StatusDot color={listener.causeText === '' ? 'teal' : 'red'} />
                  {SERVICES[listener.service] ?? listener.service}
                </Group>
              </Table.Td>
              <Table.Td>
                {listener.causeText === '' ? (
                  <CopyValue value={listener.address} label="address" />
                ) : (
                  <Text size="sm" c="red">
                    {listener.causeText}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}

function Health({ diagnostics }: { readonly diagnostics: Diagnostics }) {
  const counters = Object.entries(diagnostics.counters).sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  return (
    <Panel title="Diagnostics">
      {diagnostics.storeCauseText !== '' && (
        <Alert color="red" variant="light" mb="sm" icon={<IconAlertTriangle size={17} />}>
          {diagnostics.storeCauseText}
        </Alert>
      )}
      <Facts
        facts={[
          {
            label: 'Event loop delay',
            value: `p99 ${diagnostics.loopDelayP99Ms.toFixed(1)} ms · worst ${diagnostics.loopDelayMaxMs.toFixed(1)} ms`,
          },
          {
            label: 'Memory',
            value: `${formatSize(Number(diagnostics.rssBytes))} (heap ${formatSize(Number(diagnostics.heapBytes))})`,
          },
          { label: 'Registries on disk', value: formatSize(Number(diagnostics.registryBytes)) },
          { label: 'Frames on disk', value: formatSize(Number(diagnostics.framesBytes)) },
          ...counters.map(([name, count]) => ({
            label: codeInWords(name),
            value: <span className="mono">{Number(count).toLocaleString('en')}</span>,
          })),
        ]}
      />
    </Panel>
  );
}

function HealthPanel() {
  const api = useApi();
  const load = useLoad('diagnostics', (signal) => api.workspace.getDiagnostics({}, { signal }));
  const { reload } = load;
  useEffect(() => {
    const timer = setInterval(reload, REFRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (load.data !== undefined) return <Health diagnostics={load.data} />;
  if (load.problem === undefined) return <SkeletonRows count={6} />;
  return <ProblemAlert problem={load.problem} title="No diagnostics" onRetry={load.reload} />;
}

function DemoButton({ running }: { readonly running: boolean }) {
  const api = useApi();
  const start = useAction(() => api.workspace.startDemo({}));
  if (running) return null;
  return (
    <Button size="xs" variant="default" loading={start.busy} onClick={() => void start.run()}>
      Start the demo
    </Button>
  );
}

/** What runs, where its data lies, and how it feels. */
export function WorkspacePage() {
  const api = useApi();
  const live = useWatch((state) => state.workspace);
  const loaded = useLoad('workspace', (signal) => api.workspace.getInfo({}, { signal }));
  const info = live ?? loaded.data;
  return (
    <Page title="Workspace" actions={info && <DemoButton running={info.demoRunning} />}>
      {info === undefined && loaded.problem !== undefined && (
        <ProblemAlert problem={loaded.problem} onRetry={loaded.reload} />
      )}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 6 }}>
          {info === undefined ? <SkeletonRows count={9} /> : <About info={info} />}
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack gap="md">
            {info !== undefined && <Listeners info={info} />}
            <HealthPanel />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}
