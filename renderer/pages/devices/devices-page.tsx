import { Anchor, Button, Group, Pagination, Table, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconCpu, IconPlus, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { CopyValue } from '../../components/copy-value.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { Age } from '../../components/time-text.tsx';
import { toHex } from '../../formats/bytes.ts';
import { timestampMs } from '../../formats/time.ts';
import { type Load, useLoad } from '../../state/use-load.ts';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';
import { ApplicationSelect } from './application-select.tsx';
import { deviceMatches, lastSeenByDevice } from './device-list.ts';

const PER_CALL = 1000;
/** Calls for one list; what lies beyond is said. */
const MOST_CALLS = 5;
const PER_PAGE = 25;
const LIST_FIELDS = ['name', 'created_at', 'last_seen_at', 'ids'];

interface DeviceListing {
  readonly devices: readonly EndDevice[];
  /** There are more devices than were fetched. */
  readonly cut: boolean;
}

async function listDevices(
  api: Api,
  applicationId: string,
  signal: AbortSignal,
): Promise<DeviceListing> {
  const devices: EndDevice[] = [];
  for (let page = 1; page <= MOST_CALLS; page += 1) {
    const answer = await api.devices.list(
      {
        applicationIds: { applicationId },
        fieldMask: { paths: LIST_FIELDS },
        limit: PER_CALL,
        page,
        order: 'device_id',
      },
      { signal },
    );
    devices.push(...answer.endDevices);
    if (answer.endDevices.length < PER_CALL) return { devices, cut: false };
  }
  return { devices, cut: true };
}

function RegisterButton() {
  return (
    <Button
      component={Link}
      href="/devices/register"
      size="xs"
      leftSection={<IconPlus size={15} />}
      data-testid="register-device"
    >
      Register end device
    </Button>
  );
}

function DeviceRow({
  device,
  seenMs,
}: {
  readonly device: EndDevice;
  readonly seenMs: number | undefined;
}) {
  const nowMs = useNow();
  const id = device.ids?.deviceId ?? '';
  const application = device.ids?.applicationIds?.applicationId ?? '';
  const known = timestampMs(device.lastSeenAt);
  const lastMs = Math.max(known ?? 0, seenMs ?? 0);
  return (
    <Table.Tr>
      <Table.Td className="truncate">
        <Anchor
          component={Link}
          href={`/devices/${application}/${id}`}
          size="sm"
          fw={520}
          title={id}
        >
          {id}
        </Anchor>
      </Table.Td>
      <Table.Td className="truncate" title={device.name}>
        {device.name || '–'}
      </Table.Td>
      <Table.Td>
        {device.ids !== undefined && device.ids.devEui.length > 0 ? (
          <CopyValue value={toHex(device.ids.devEui)} label="DevEUI" />
        ) : (
          '–'
        )}
      </Table.Td>
      <Table.Td className="mono">
        {device.ids !== undefined && device.ids.joinEui.length > 0
          ? toHex(device.ids.joinEui)
          : 'ABP'}
      </Table.Td>
      <Table.Td>
        <Age ms={lastMs === 0 ? undefined : lastMs} nowMs={nowMs} />
      </Table.Td>
    </Table.Tr>
  );
}

function DeviceTable({ devices }: { readonly devices: readonly EndDevice[] }) {
  const frames = useWatch((state) => state.frames);
  const seen = lastSeenByDevice(frames);
  return (
    <Table layout="fixed" verticalSpacing={5} highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device id</Table.Th>
          <Table.Th>Name</Table.Th>
          <Table.Th w={215}>DevEUI</Table.Th>
          <Table.Th w={180}>JoinEUI</Table.Th>
          <Table.Th w={130}>Last seen</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {devices.map((device) => {
          const key = `${device.ids?.applicationIds?.applicationId}/${device.ids?.deviceId}`;
          return <DeviceRow key={key} device={device} seenMs={seen.get(key)} />;
        })}
      </Table.Tbody>
    </Table>
  );
}

function Found({ listing, search }: { readonly listing: DeviceListing; readonly search: string }) {
  const [page, setPage] = useState(1);
  const found = listing.devices.filter((device) => deviceMatches(device, search));
  const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
  const current = Math.min(page, pages);
  if (found.length === 0) {
    return (
      <Text size="sm" c="dimmed" ta="center" py={48}>
        No device matches “{search}”.
      </Text>
    );
  }
  return (
    <>
      <DeviceTable devices={found.slice((current - 1) * PER_PAGE, current * PER_PAGE)} />
      <Group justify="space-between" mt="sm">
        <Text size="xs" c="dimmed">
          {found.length} of {listing.devices.length}
          {listing.cut && ' (only the first 5,000 are listed)'}
        </Text>
        {pages > 1 && <Pagination size="sm" total={pages} value={current} onChange={setPage} />}
      </Group>
    </>
  );
}

function Listing({
  load,
  search,
}: {
  readonly load: Load<DeviceListing>;
  readonly search: string;
}) {
  if (load.problem !== undefined) {
    return (
      <ProblemAlert
        problem={load.problem}
        title="The devices could not be listed"
        onRetry={load.reload}
      />
    );
  }
  if (load.data === undefined) return <SkeletonRows count={10} />;
  if (load.data.devices.length === 0) {
    return (
      <EmptyState
        icon={IconCpu}
        title="No end device in this application"
        text="Register a device with its EUIs and keys. Frames of unknown devices are recorded all the same, and can be read once their keys are here."
      >
        <RegisterButton />
      </EmptyState>
    );
  }
  return <Found key={search} listing={load.data} search={search} />;
}

/** The devices of one application. */
export function DevicesPage() {
  const api = useApi();
  const [applicationId, setApplicationId] = useLocalStorage({
    key: 'gatehouse.application',
    defaultValue: 'lab',
    getInitialValueInEffect: false,
  });
  const [search, setSearch] = useState('');
  const deviceCount = useWatch((state) => state.workspace?.deviceCount ?? 0);
  const load = useLoad(
    `devices/${applicationId}`,
    (signal) => listDevices(api, applicationId, signal),
    String(deviceCount),
  );
  return (
    <Page title="Devices" actions={<RegisterButton />}>
      <Group mb="sm" gap="xs">
        <TextInput
          size="xs"
          w={320}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          placeholder="Search by id, name or EUI"
          aria-label="Search devices"
          leftSection={<IconSearch size={14} />}
          data-testid="device-search"
        />
        <ApplicationSelect size="xs" hideLabel value={applicationId} onChange={setApplicationId} />
      </Group>
      <Listing load={load} search={search} />
    </Page>
  );
}
