import { Table, Text } from '@mantine/core';
import type { Reception, Transmission } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { Facts } from '../../components/facts.tsx';
import { toHex } from '../../formats/bytes.ts';
import { codeInWords } from '../../formats/frame-words.ts';
import { formatDb, formatDbm } from '../../formats/radio.ts';
import { clockTime, timestampMs } from '../../formats/time.ts';

function receptionTitle(reception: Reception): string {
  const antenna = reception.antennas[0];
  const lines = [
    `EUI ${toHex(reception.gatewayEui)}`,
    `Concentrator counter ${reception.concentratorTimestampUs} µs`,
    reception.crc === '' ? '' : `CRC ${reception.crc}`,
    antenna?.frequencyOffsetHz === undefined
      ? ''
      : `Frequency offset ${antenna.frequencyOffsetHz} Hz`,
    antenna?.ifChannel === undefined ? '' : `IF channel ${antenna.ifChannel}`,
    reception.gpsTimeMs === undefined ? '' : `GPS time ${reception.gpsTimeMs} ms`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** Who heard the frame, and how well. */
export function ReceptionTable({ receptions }: { readonly receptions: readonly Reception[] }) {
  return (
    <>
      <Text size="sm" fw={560} mt={14} mb={2}>
        {receptions.length === 1 ? 'Reception' : `${receptions.length} receptions`}
      </Text>
      <Table fz={12} verticalSpacing={3} horizontalSpacing={6} layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Gateway</Table.Th>
            <Table.Th w={76}>RSSI</Table.Th>
            <Table.Th w={64}>SNR</Table.Th>
            <Table.Th w={98}>Heard at</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {receptions.flatMap((reception) =>
            reception.antennas.map((antenna) => (
              <Table.Tr
                key={`${reception.id}/${antenna.antennaIndex}`}
                title={receptionTitle(reception)}
              >
                <Table.Td className="truncate">
                  {reception.gatewayId || toHex(reception.gatewayEui)}
                  {antenna.antennaIndex > 0 && ` · antenna ${antenna.antennaIndex}`}
                </Table.Td>
                <Table.Td>{formatDbm(antenna.channelRssiDbm)}</Table.Td>
                <Table.Td>{formatDb(antenna.snrDb)}</Table.Td>
                <Table.Td className="mono">
                  {clockTime(timestampMs(reception.receivedAt) ?? 0)}
                </Table.Td>
              </Table.Tr>
            )),
          )}
        </Table.Tbody>
      </Table>
    </>
  );
}

function optionalMs(value: number | undefined): string {
  return value === undefined ? '–' : `${value.toFixed(1)} ms`;
}

/** How a downlink went out. */
export function TransmissionFacts({ transmission }: { readonly transmission: Transmission }) {
  const acknowledgedMs = timestampMs(transmission.acknowledgedAt);
  const scheduledMs = timestampMs(transmission.scheduledAt);
  return (
    <>
      <Text size="sm" fw={560} mt={14} mb={2}>
        Transmission
      </Text>
      <Facts
        facts={[
          { label: 'Gateway', value: transmission.gatewayId || '–' },
          { label: 'Window', value: transmission.window || '–' },
          { label: 'Power', value: `${Math.round(transmission.eirpDbm * 10) / 10} dBm EIRP` },
          { label: 'Scheduled', value: scheduledMs === undefined ? '–' : clockTime(scheduledMs) },
          {
            label: 'TX acknowledgment',
            value:
              acknowledgedMs === undefined
                ? 'none yet'
                : `${codeInWords(transmission.result)} at ${clockTime(acknowledgedMs)}${transmission.detail === '' ? '' : ` (${transmission.detail})`}`,
          },
          { label: 'Round trip', value: optionalMs(transmission.roundTripMs) },
          { label: 'Margin', value: optionalMs(transmission.marginMs) },
        ]}
      />
    </>
  );
}
