import { Badge, Button, Group, Modal, Pagination, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type {
  CatalogueStatus,
  CatalogueVersion,
} from '../../../main/api/gen/gatehouse/v1/catalogue_pb.js';
import { useApi } from '../../client/api-context.ts';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { dateTime, timestampMs } from '../../formats/time.ts';
import { useAction } from '../../state/use-action.ts';
import { useLoad } from '../../state/use-load.ts';
import { countsText } from './catalogue-words.ts';

const PROBLEMS_PER_PAGE = 50;

interface ReportProps {
  /** Undefined while it is closed. */
  readonly versionId: bigint | undefined;
  onClose(): void;
}

function ReportLines({ versionId }: { readonly versionId: bigint }) {
  const api = useApi();
  const [page, setPage] = useState(1);
  const load = useLoad(`${versionId}/${page}`, async (signal) => {
    let total = 0;
    const onHeader = (headers: Headers): void => {
      total = Number(headers.get('x-total-count') ?? 0);
    };
    const request = { versionId, page, limit: PROBLEMS_PER_PAGE };
    const { problems } = await api.catalogueImports.listProblems(request, { signal, onHeader });
    return { problems, pages: Math.ceil(total / PROBLEMS_PER_PAGE) };
  });
  if (load.problem !== undefined)
    return <ProblemAlert problem={load.problem} onRetry={load.reload} />;
  if (load.data === undefined) return <SkeletonRows count={8} />;
  return (
    <>
      <Table layout="fixed" verticalSpacing={4} data-testid="import-report">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w="45%">File</Table.Th>
            <Table.Th>What was left out</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {load.data.problems.map(({ path, code, text }, index) => (
            <Table.Tr key={`${path}/${code}/${index}`}>
              <Table.Td className="mono truncate" title={path}>
                {path}
              </Table.Td>
              <Table.Td>{text}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {load.data.pages > 1 && (
        <Pagination
          mt="sm"
          size="sm"
          total={load.data.pages}
          value={page}
          onChange={setPage}
          getItemProps={(item) => ({ 'aria-label': `page ${item}` })}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        />
      )}
    </>
  );
}

/** What an import could not use. */
export function ImportReport({ versionId, onClose }: ReportProps) {
  return (
    <Modal
      opened={versionId !== undefined}
      onClose={onClose}
      title="Report of the import"
      size="xl"
      centered
    >
      {versionId !== undefined && <ReportLines versionId={versionId} />}
    </Modal>
  );
}

interface VersionRowProps {
  readonly version: CatalogueVersion;
  onChanged(): void;
  onReport(versionId: bigint): void;
}

function VersionRow({ version, onChanged, onReport }: VersionRowProps) {
  const api = useApi();
  const { id, source, builtIn, active, counts } = version;
  const importedMs = timestampMs(version.importedAt);
  const activate = useAction(async () => {
    await api.catalogueImports.activateVersion({ versionId: id });
    onChanged();
  });
  const remove = useAction(async () => {
    await api.catalogueImports.deleteVersion({ versionId: id });
    onChanged();
  });
  const problem = activate.problem ?? remove.problem;
  return (
    <Table.Tr data-testid="catalogue-version">
      <Table.Td className="truncate" title={source}>
        {builtIn ? 'Generic profiles of Gatehouse' : source}
        {problem !== undefined && <ProblemAlert problem={problem} />}
      </Table.Td>
      <Table.Td>{importedMs === undefined || builtIn ? '–' : dateTime(importedMs)}</Table.Td>
      <Table.Td>{countsText(counts)}</Table.Td>
      <Table.Td>
        <Group gap={6} justify="flex-end" wrap="nowrap">
          {active && (
            <Badge color="teal" variant="light" radius="sm">
              Active
            </Badge>
          )}
          {(counts?.problems ?? 0) > 0 && (
            <Button size="compact-xs" variant="default" onClick={() => onReport(id)}>
              Report
            </Button>
          )}
          {!active && (
            <Button
              size="compact-xs"
              variant="default"
              loading={activate.busy}
              onClick={() => void activate.run()}
            >
              Use this one
            </Button>
          )}
          {!builtIn && (
            <Button
              size="compact-xs"
              variant="subtle"
              color="red"
              loading={remove.busy}
              onClick={() => void remove.run()}
              aria-label={`Delete the import of ${source}`}
            >
              Delete
            </Button>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

interface ImportsPanelProps extends Omit<VersionRowProps, 'version'> {
  readonly status: CatalogueStatus | undefined;
}

/** Imports that are kept, to look at their reports and to go back to. */
export function ImportsPanel({ status, ...row }: ImportsPanelProps) {
  return (
    <Panel title="Imports">
      {status === undefined ? (
        <SkeletonRows count={2} />
      ) : (
        <Table layout="fixed" verticalSpacing={4}>
          <Table.Tbody>
            {status.versions.map((version) => (
              <VersionRow key={String(version.id)} version={version} {...row} />
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Text size="xs" c="dimmed" mt={6}>
        Two imports besides the active one are kept.
      </Text>
    </Panel>
  );
}
