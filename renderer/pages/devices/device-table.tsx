import { Anchor, Table, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { Link } from 'wouter';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { CopyValue } from '../../components/copy-value.tsx';
import { Age } from '../../components/time-text.tsx';
import { toHex } from '../../formats/bytes.ts';
import { dateTime, timestampMs } from '../../formats/time.ts';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';
import { lastSeenByDevice } from './device-list.ts';
import type { DeviceOrder } from './use-devices.ts';

export interface Sorting {
  readonly orderBy: DeviceOrder;
  readonly descending: boolean;
}

interface DeviceTableProps {
  readonly devices: readonly EndDevice[];
  readonly sorting: Sorting;
  readonly busy: boolean;
  onSort(sorting: Sorting): void;
}

function DeviceRow({
  device,
  seenMs,
  nowMs,
}: {
  readonly device: EndDevice;
  readonly seenMs: number | undefined;
  readonly nowMs: number;
}) {
  const id = device.ids?.deviceId ?? '';
  const application = device.ids?.applicationIds?.applicationId ?? '';
  const lastMs = Math.max(timestampMs(device.lastSeenAt) ?? 0, seenMs ?? 0);
  const createdMs = timestampMs(device.createdAt);
  return (
    <Table.Tr data-testid="device-row">
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
      <Table.Td>{createdMs === undefined ? '–' : dateTime(createdMs).slice(0, 10)}</Table.Td>
      <Table.Td>
        <Age ms={lastMs === 0 ? undefined : lastMs} nowMs={nowMs} />
      </Table.Td>
    </Table.Tr>
  );
}

interface SortHeadProps {
  readonly label: string;
  readonly order: DeviceOrder;
  readonly width?: number;
  readonly sorting: Sorting;
  onSort(sorting: Sorting): void;
}

function SortHead({ label, order, width, sorting, onSort }: SortHeadProps) {
  const current = sorting.orderBy === order;
  const Icon = sorting.descending ? IconArrowDown : IconArrowUp;
  return (
    <Table.Th
      {...(width === undefined ? {} : { w: width })}
      aria-sort={current ? (sorting.descending ? 'descending' : 'ascending') : 'none'}
    >
      <UnstyledButton
        fz={12}
        fw={500}
        c={current ? 'inherit' : 'dimmed'}
        style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}
        onClick={() => onSort({ orderBy: order, descending: current && !sorting.descending })}
        title={`Sort by ${label.toLowerCase()}`}
      >
        {label}
        {current && <Icon size={13} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  );
}

/** One page of devices. */
export function DeviceTable({ devices, busy, ...sort }: DeviceTableProps) {
  const frames = useWatch((state) => state.frames);
  const seen = lastSeenByDevice(frames);
  const nowMs = useNow();
  return (
    <Table
      layout="fixed"
      verticalSpacing={4}
      highlightOnHover
      aria-busy={busy}
      style={{ opacity: busy ? 0.6 : 1 }}
    >
      <Table.Thead>
        <Table.Tr>
          <SortHead label="Device id" order="device_id" {...sort} />
          <SortHead label="Name" order="name" {...sort} />
          <Table.Th w={205}>DevEUI</Table.Th>
          <Table.Th w={170}>JoinEUI</Table.Th>
          <SortHead label="Registered" order="created_at" width={120} {...sort} />
          <SortHead label="Last seen" order="last_seen_at" width={120} {...sort} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {devices.map((device) => {
          const key = `${device.ids?.applicationIds?.applicationId}/${device.ids?.deviceId}`;
          return <DeviceRow key={key} device={device} seenMs={seen.get(key)} nowMs={nowMs} />;
        })}
      </Table.Tbody>
    </Table>
  );
}
