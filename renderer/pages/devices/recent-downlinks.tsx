import { Anchor, Group, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { Panel } from '../../components/panel.tsx';
import { StatusDot } from '../../components/status-dot.tsx';
import { codeInWords, frameTypeLabel, isUplink, outcomeStyle } from '../../formats/frame-words.ts';
import { clockTime, timestampMs } from '../../formats/time.ts';

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
