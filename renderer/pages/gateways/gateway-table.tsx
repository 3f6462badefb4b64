import { Badge, Group, Table, Text, Tooltip } from '@mantine/core';
import {
  type GatewayConnectionStatus,
  LinkPhase,
  type LinkStatus,
} from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { CopyButton } from '../../components/copy-value.tsx';
import { StatusDot } from '../../components/status-dot.tsx';
import { Age } from '../../components/time-text.tsx';
import { toHex } from '../../formats/bytes.ts';
import { timestampMs } from '../../formats/time.ts';
import { useNow } from '../../state/use-now.ts';

function gatewayTitle(gateway: GatewayConnectionStatus): string {
  const lines = [
    `EUI ${toHex(gateway.gatewayEui)}`,
    gateway.protocol === '' ? '' : `Protocol ${gateway.protocol}`,
    gateway.remoteAddress === '' ? '' : `From ${gateway.remoteAddress}`,
    gateway.frequencyPlanId === '' ? '' : `Frequency plan ${gateway.frequencyPlanId}`,
    gateway.temperatureCelsius === undefined ? '' : `${gateway.temperatureCelsius} °C`,
    gateway.receivedCount === undefined
      ? ''
      : `Its own count: ${gateway.receivedCount} received, ${gateway.receivedOkCount ?? '–'} with good CRC`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function GatewayRow({
  gateway,
  udp,
}: {
  readonly gateway: GatewayConnectionStatus;
  readonly udp: boolean;
}) {
  const nowMs = useNow();
  const failures = Number(gateway.txFailureCount);
  return (
    <Table.Tr title={gatewayTitle(gateway)}>
      <Table.Td>
        <Group gap={7} wrap="nowrap">
          <StatusDot color={gateway.connected ? 'teal' : 'gray'} />
          <span className="truncate">{gateway.gatewayId || toHex(gateway.gatewayEui)}</span>
          <CopyButton value={toHex(gateway.gatewayEui)} label="Gateway EUI" />
          {gateway.new && (
            <Tooltip label="Heard for the first time since the program started, and registered by itself">
              <Badge size="sm" color="cyan" variant="light" radius="sm">
                New
              </Badge>
            </Tooltip>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        {gateway.connected ? 'Connected' : 'Not connected'}
        {gateway.connected && !gateway.downlinkReady && ', uplink only'}
      </Table.Td>
      <Table.Td>
        <Age ms={timestampMs(gateway.lastFrameAt)} nowMs={nowMs} />
      </Table.Td>
      {udp && (
        <Table.Td>
          <Age ms={timestampMs(gateway.lastStatusAt)} nowMs={nowMs} />
        </Table.Td>
      )}
      <Table.Td className="mono">{String(gateway.uplinkCount)}</Table.Td>
      <Table.Td className="mono">
        {String(gateway.downlinkCount)}
        {failures > 0 && (
          <Text span c="red" fz={12}>
            {' '}
            ({failures} failed)
          </Text>
        )}
      </Table.Td>
      <Table.Td className="mono">
        {gateway.roundTripMedianMs === undefined
          ? '–'
          : `${gateway.roundTripMedianMs.toFixed(0)} ms`}
      </Table.Td>
    </Table.Tr>
  );
}

/** Gateways behind a link, with connection, last frame and last statistics told apart. */
export function GatewayTable({ status }: { readonly status: LinkStatus }) {
  const udp = status.link?.config.case === 'semtechUdp';
  if (status.gateways.length === 0) {
    if (!udp || status.phase !== LinkPhase.RUNNING) return null;
    return (
      <Text size="sm" c="dimmed" mt="xs">
        Listening. No packet forwarder has said anything yet: set its server_address and ports to{' '}
        {status.address}.
      </Text>
    );
  }
  return (
    <Table layout="fixed" verticalSpacing={4} mt="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Gateway</Table.Th>
          <Table.Th w={190}>Link</Table.Th>
          <Table.Th w={110}>Last frame</Table.Th>
          {udp && <Table.Th w={120}>Last statistics</Table.Th>}
          <Table.Th w={80}>Uplinks</Table.Th>
          <Table.Th w={120}>Downlinks</Table.Th>
          <Table.Th w={100}>Round trip</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {status.gateways.map((gateway) => (
          <GatewayRow key={toHex(gateway.gatewayEui)} gateway={gateway} udp={udp} />
        ))}
      </Table.Tbody>
    </Table>
  );
}
