import { Badge, Button, Group, Tabs, Text, Title } from '@mantine/core';
import { IconActivity, IconArrowLeft, IconTrash } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { useApi } from '../../client/api-context.ts';
import { ConfirmModal } from '../../components/confirm-modal.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { notifyDone } from '../../components/notify.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { Age } from '../../components/time-text.tsx';
import { useAction } from '../../state/use-action.ts';
import { useNow } from '../../state/use-now.ts';
import { FramesPane } from '../frames/frames-pane.tsx';
import { DeviceOverview } from './device-overview.tsx';
import classes from './device-page.module.css';
import { DownlinkTab } from './downlink-tab.tsx';
import { FormatterTab } from './formatter-tab.tsx';
import { type DeviceDetails, useDevice } from './use-device.ts';

interface DevicePageProps {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly tab: string;
}

function DeleteButton({ applicationId, deviceId }: Omit<DevicePageProps, 'tab'>) {
  const api = useApi();
  const [opened, setOpened] = useState(false);
  const [, navigate] = useLocation();
  const remove = useAction(() =>
    api.registration.delete({ deviceId, applicationIds: { applicationId } }),
  );
  const onConfirm = async (): Promise<void> => {
    if (!(await remove.run())) return;
    notifyDone(`${deviceId} is deleted`);
    navigate('/devices');
  };
  return (
    <>
      <Button
        size="compact-xs"
        variant="subtle"
        color="red"
        leftSection={<IconTrash size={14} />}
        onClick={() => setOpened(true)}
        data-testid="device-delete"
      >
        Delete
      </Button>
      <ConfirmModal
        opened={opened}
        title="Delete this end device?"
        action="Delete end device"
        busy={remove.busy}
        problem={remove.problem}
        onConfirm={() => void onConfirm()}
        onClose={() => setOpened(false)}
      >
        <b>{deviceId}</b> is removed with its keys, session, counters and queue. Its next frames
        will be those of an unknown device. Frames recorded so far stay.
      </ConfirmModal>
    </>
  );
}

/** The network does not serve class B as yet; a device registered so is told. */
function classWords({ supportsClassB, supportsClassC }: EndDevice): string {
  if (supportsClassC) return 'class C';
  return supportsClassB ? 'class B, served as A' : 'class A';
}

function Head({
  details,
  ...ids
}: { readonly details: DeviceDetails } & Omit<DevicePageProps, 'tab'>) {
  const nowMs = useNow();
  return (
    <Group px={20} pt={12} pb={6} gap="sm" wrap="nowrap">
      <Button
        component={Link}
        href="/devices"
        size="compact-xs"
        variant="subtle"
        color="gray"
        leftSection={<IconArrowLeft size={14} />}
      >
        Devices
      </Button>
      <Title order={1} fz={18} className="truncate" title={ids.deviceId}>
        {details.identity?.name || ids.deviceId}
      </Title>
      {details.identity?.name !== undefined && details.identity.name !== '' && (
        <Text size="sm" c="dimmed" className="truncate">
          {ids.deviceId}
        </Text>
      )}
      {details.network !== undefined && (
        <Badge variant="default" radius="sm">
          {details.network.supportsJoin ? 'OTAA' : 'ABP'} · {classWords(details.network)}
        </Badge>
      )}
      <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        {details.lastSeenMs === undefined ? (
          'not heard yet'
        ) : (
          <>
            last seen <Age ms={details.lastSeenMs} nowMs={nowMs} />
          </>
        )}
      </Text>
      <span style={{ flex: 1 }} />
      <DeleteButton {...ids} />
    </Group>
  );
}

const TABS = [
  { value: 'overview', label: 'Overview' },
  { value: 'live', label: 'Live data' },
  { value: 'downlink', label: 'Downlink' },
  { value: 'formatter', label: 'Payload formatter' },
];

function LiveTab({ applicationId, deviceId }: Omit<DevicePageProps, 'tab'>) {
  const [selectedId, setSelectedId] = useState<bigint>();
  const scope = useMemo(() => ({ applicationId, deviceId }), [applicationId, deviceId]);
  return (
    <FramesPane
      scope={scope}
      selectedId={selectedId}
      onSelect={setSelectedId}
      empty={
        <EmptyState
          icon={IconActivity}
          title="Nothing was heard from this device yet"
          text="Switch the device on within reach of a gateway. A join request that does not verify shows under Live frames with its cause."
        />
      }
    />
  );
}

function TabContent({ details, ...page }: { readonly details: DeviceDetails } & DevicePageProps) {
  switch (page.tab) {
    case 'live':
      return <LiveTab applicationId={page.applicationId} deviceId={page.deviceId} />;
    case 'downlink':
      return <DownlinkTab details={details} />;
    case 'formatter':
      return <FormatterTab details={details} />;
    default:
      return <DeviceOverview details={details} />;
  }
}

/** One end device. */
export function DevicePage(page: DevicePageProps) {
  const [, navigate] = useLocation();
  const details = useDevice(page.applicationId, page.deviceId);
  if (details.problem !== undefined && details.identity === undefined) {
    return (
      <div className={classes.padded}>
        <ProblemAlert
          problem={details.problem}
          title={
            details.problem.notFound
              ? `There is no device ${page.deviceId} in ${page.applicationId}`
              : 'The device cannot be shown'
          }
          onRetry={details.reload}
        />
        <Button component={Link} href="/devices" variant="default" size="xs" mt="sm">
          All devices
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.page}>
      <Head details={details} applicationId={page.applicationId} deviceId={page.deviceId} />
      <Tabs
        value={TABS.some(({ value }) => value === page.tab) ? page.tab : 'overview'}
        onChange={(tab) => navigate(`/devices/${page.applicationId}/${page.deviceId}/${tab}`)}
        px={20}
      >
        <Tabs.List>
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value} data-testid={`tab-${value}`}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </Tabs>
      <div className={page.tab === 'live' ? classes.fill : classes.scroll}>
        {details.identity === undefined ? (
          <SkeletonRows count={8} />
        ) : (
          <TabContent details={details} {...page} />
        )}
      </div>
    </div>
  );
}
