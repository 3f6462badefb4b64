import { ActionIcon, Badge, Button, Group, Table, Text, Tooltip } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import type {
  ApplicationDownlink,
  ApplicationDownlinks,
} from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { CopyButton } from '../../components/copy-value.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { toHex } from '../../formats/bytes.ts';
import { priorityLabel } from '../../formats/priorities.ts';
import type { Load } from '../../state/use-load.ts';
import { ownItems, queueKey } from './downlink-queue.ts';
import type { DeviceDetails } from './use-device.ts';
import { useQueueChanges } from './use-queue-changes.tsx';

interface QueueProps {
  readonly details: DeviceDetails;
  readonly queue: Load<ApplicationDownlinks>;
}

interface RowProps {
  readonly item: ApplicationDownlink;
  readonly state: string;
  /** Undefined where the payload is not known in the clear. */
  readonly payload: string | undefined;
  readonly busy: boolean;
  onDelete?: () => void;
}

function payloadText(item: ApplicationDownlink): string {
  if (item.frmPayload.length > 0) return toHex(item.frmPayload, ' ');
  return item.decodedPayload === undefined ? '(empty)' : JSON.stringify(item.decodedPayload);
}

function QueueRow({ item, state, payload, busy, onDelete }: RowProps) {
  return (
    <Table.Tr data-testid="queued-downlink">
      <Table.Td>{state}</Table.Td>
      <Table.Td className="mono">{item.fCnt}</Table.Td>
      <Table.Td className="mono">{item.fPort}</Table.Td>
      <Table.Td>
        {payload === undefined ? (
          'as sent'
        ) : (
          <Group gap={2} wrap="nowrap">
            <span className="mono truncate" title={payload}>
              {payload}
            </span>
            <CopyButton value={toHex(item.frmPayload)} label="payload" />
          </Group>
        )}
      </Table.Td>
      <Table.Td>{item.confirmed ? 'yes' : 'no'}</Table.Td>
      <Table.Td className="truncate">{priorityLabel(item.priority)}</Table.Td>
      <Table.Td>
        {onDelete !== undefined && (
          <Tooltip label="Take it out of the queue">
            <ActionIcon
              size="sm"
              variant="subtle"
              color="red"
              disabled={busy}
              aria-label={`Delete the downlink on FPort ${item.fPort}, FCnt ${item.fCnt}`}
              onClick={onDelete}
              data-testid="queue-delete"
            >
              <IconTrash size={14} />
            </ActionIcon>
          </Tooltip>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

interface TableProps {
  readonly items: readonly ApplicationDownlink[];
  /** Sent, and not acknowledged by the device yet. */
  readonly unacknowledged: ApplicationDownlink | undefined;
  readonly busy: boolean;
  onDelete(item: ApplicationDownlink): void;
}

function QueueTable({ items, unacknowledged, busy, onDelete }: TableProps) {
  return (
    <Table layout="fixed" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={104}>State</Table.Th>
          <Table.Th w={58}>FCnt</Table.Th>
          <Table.Th w={58}>FPort</Table.Th>
          <Table.Th>Payload</Table.Th>
          <Table.Th w={84}>Confirmed</Table.Th>
          <Table.Th w={104}>Priority</Table.Th>
          <Table.Th w={40} aria-label="Actions" />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {unacknowledged !== undefined && (
          <QueueRow item={unacknowledged} state="Awaits ACK" payload={undefined} busy={busy} />
        )}
        {items.map((item, index) => (
          <QueueRow
            key={queueKey(item)}
            item={item}
            state={index === 0 ? 'Next' : 'Waits'}
            payload={payloadText(item)}
            busy={busy}
            onDelete={() => onDelete(item)}
          />
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** What waits for the device, with ways to take it back. */
export function DownlinkQueue({ details, queue }: QueueProps) {
  const changes = useQueueChanges(details, queue.reload);
  const items = ownItems(queue.data?.downlinks ?? []);
  const unacknowledged = details.network?.macState?.pendingApplicationDownlink;
  const shown = items.length > 0 || unacknowledged !== undefined;
  return (
    <Panel
      title="Queue"
      aside={
        items.length > 0 && (
          <Group gap="xs">
            <Badge variant="default" radius="sm">
              {items.length} waiting
            </Badge>
            <Button
              size="compact-xs"
              variant="default"
              loading={changes.busy}
              onClick={() => void changes.clear()}
              data-testid="queue-clear"
            >
              Empty the queue
            </Button>
          </Group>
        )
      }
    >
      {queue.problem !== undefined && (
        <ProblemAlert
          problem={queue.problem}
          title="The queue cannot be shown"
          onRetry={queue.reload}
        />
      )}
      {changes.problem !== undefined && (
        <ProblemAlert problem={changes.problem} title="The queue was not changed" />
      )}
      {queue.data === undefined && queue.problem === undefined && <SkeletonRows count={2} />}
      {queue.data !== undefined && !shown && (
        <Text size="sm" c="dimmed">
          Nothing waits.
        </Text>
      )}
      {shown && (
        <QueueTable
          items={items}
          unacknowledged={unacknowledged}
          busy={changes.busy}
          onDelete={(item) => void changes.remove(item)}
        />
      )}
    </Panel>
  );
}
