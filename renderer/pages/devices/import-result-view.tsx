import { Group, Progress, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { ImportedRow } from '../../../main/api/gen/gatehouse/v1/device_files_pb.js';
import { Panel } from '../../components/panel.tsx';
import { type ImportResult, outcomeText, resultText, rowCount } from './import-result.ts';

function Rows({ rows, count }: { readonly rows: readonly ImportedRow[]; readonly count: number }) {
  if (rows.length === 0) return null;
  return (
    <>
      <Table verticalSpacing={4} aria-label="Rows of the file">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={80}>Line</Table.Th>
            <Table.Th w={260}>Device id</Table.Th>
            <Table.Th w={140}>Verdict</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.line} data-testid="import-row">
              <Table.Td className="mono">{row.line}</Table.Td>
              <Table.Td>{row.deviceId || '–'}</Table.Td>
              <Table.Td>{outcomeText(row)}</Table.Td>
              <Table.Td>{row.errorText}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.length < count && (
        <Text size="xs" c="dimmed" role="status">
          The first {rows.length.toLocaleString('en')} of {count.toLocaleString('en')} rows are
          shown.
        </Text>
      )}
    </>
  );
}

/** How far an import is, and what became of each row. */
export function ImportResultView({ result }: { readonly result: ImportResult }) {
  const [all, setAll] = useState(false);
  const problems = result.existing + result.failed;
  return (
    <Panel
      title={result.dryRun ? 'What would become of it' : 'What became of it'}
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Rows shown"
          value={all ? 'all' : 'problems'}
          onChange={(value) => setAll(value === 'all')}
          data={[
            { value: 'problems', label: 'Problems' },
            { value: 'all', label: 'All rows' },
          ]}
        />
      }
    >
      <Stack gap="sm">
        <Group gap="sm" wrap="nowrap">
          <Text size="sm" role="status" data-testid="import-result">
            {resultText(result)}
          </Text>
          {!result.done && (
            <Progress value={result.progress * 100} flex={1} aria-label="Part of the file read" />
          )}
        </Group>
        {all ? (
          <Rows rows={result.rows} count={rowCount(result)} />
        ) : (
          <Rows rows={result.problems} count={problems} />
        )}
      </Stack>
    </Panel>
  );
}
