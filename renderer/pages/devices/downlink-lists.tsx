import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { ApplicationDownlinks } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { useApi } from '../../client/api-context.ts';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { StatusDot } from '../../components/status-dot.tsx';
import { toHex } from '../../formats/bytes.ts';
import { codeInWords, frameTypeLabel, isUplink, outcomeStyle } from '../../formats/frame-words.ts';
import { clockTime, timestampMs } from '../../formats/time.ts';
import { useAction } from '../../state/use-action.ts';
import type { Load } from '../../state/use-load.ts';
import type { DeviceDetails } from './use-device.ts';

function payloadText(bytes: Uint8Array, decoded: object | undefined): string {
  if (bytes.length > 0) return toHex(bytes, ' ');
  return decoded === undefined ? '(empty)' : JSON.stringify(decoded);
}

interface DownlinkQueueProps {
  readonly details: DeviceDetails;
  readonly queue: Load<ApplicationDownlinks>;
}

function QueueTable({ downlinks }: { readonly downlinks: ApplicationDownlinks['downlinks'] }) {
  return (
    <Table layout="fixed" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={64}>FCnt</Table.Th>
          <Table.Th w={64}>FPort</Table.Th>
          <Table.Th>Payload</Table.Th>
          <Table.Th w={100}>Confirmed</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {downlinks.map((downlink, index) => {
          const text = payloadText(downlink.frmPayload, downlink.decodedPayload);
          return (
            <Table.Tr key={index} data-testid="queued-downlink">
              <Table.Td className="mono">{downlink.fCnt || '–'}</Table.Td>
              <Table.Td className="mono">{downlink.fPort}</Table.Td>
              <Table.Td className="mono truncate" title={text}>
                {text}
              </Table.Td>
              <Table.Td>{downlink.confirmed ? 'yes' : 'no'}</Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

/** What waits for the device. */
export function DownlinkQueue({ details, queue }: DownlinkQueueProps) {
  const api = useApi();
  const clear = useAction(async () => {
    await api.appAs.downlinkQueueReplace({
      endDeviceIds: {
        deviceId: details.deviceId,
        applicationIds: { applicationId: details.applicationId },
      },
      downlinks: [],
    });
    queue.reload();
  });
  const downlinks = queue.data?.downlinks ?? [];
  const problem = clear.problem ?? queue.problem;
  return (
    <Panel
      title={downlinks.length === 0 ? 'Queue' : `Queue, ${downlinks.length} waiting`}
      aside={
        downlinks.length > 0 && (
          <Button
            size="compact-xs"
            variant="default"
            loading={clear.busy}
            onClick={() => void clear.run()}
          >
            Empty the queue
          </Button>
        )
      }
    >
      {problem !== undefined && (
        <ProblemAlert problem={problem} title="The queue cannot be shown" onRetry={queue.reload} />
      )}
      {queue.data === undefined && problem === undefined && <SkeletonRows count={2} />}
      {queue.data !== undefined && downlinks.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing waits.
        </Text>
      )}
      {downlinks.length > 0 && <QueueTable downlinks={downlinks} />}
    </Panel>
  );
}

const MOST_RECENT = 12;

function DownlinkRow({ frame }: { readonly frame: Frame }) {
  const { label, color } = outcomeStyle(frame.verdict?.outcome);
  const cause = frame.verdict?.cause ?? '';
  return (
    <Table.Tr title={frame.verdict?.text}>
      <Table.Td>
        <Anchor component={Link} href={`/frames/${frame.id}`} size="sm" className="mono">
          {clockTime(timestampMs(frame.time) ?? 0)}
        </Anchor>
      </Table.Td>
      <Table.Td className="truncate">{frameTypeLabel(frame.fType)}</Table.Td>
      <Table.Td className="mono">{frame.fullFCnt ?? frame.fCnt ?? '–'}</Table.Td>
      <Table.Td className="mono">{frame.fPort ?? '–'}</Table.Td>
      <Table.Td>{frame.transmission?.window || '–'}</Table.Td>
      <Table.Td>
        <Group gap={7} wrap="nowrap">
          <StatusDot color={color} />
          <span className="truncate">
            {label}
            {cause !== '' && ` · ${codeInWords(cause)}`}
          </span>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

/** What became of the newest downlinks. */
export function RecentDownlinks({ frames }: { readonly frames: readonly Frame[] }) {
  const downlinks = frames.filter((frame) => !isUplink(frame)).slice(0, MOST_RECENT);
  return (
    <Panel title="Newest downlinks">
      {downlinks.length === 0 ? (
        <Text size="sm" c="dimmed">
          None among the newest frames.
        </Text>
      ) : (
        <Table layout="fixed" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={112}>Time</Table.Th>
              <Table.Th>Type</Table.Th>
              <Table.Th w={60}>FCnt</Table.Th>
              <Table.Th w={60}>FPort</Table.Th>
              <Table.Th w={70}>Window</Table.Th>
              <Table.Th>Result</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {downlinks.map((frame) => (
              <DownlinkRow key={String(frame.id)} frame={frame} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}
