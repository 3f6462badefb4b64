import { Button, CloseButton, Group, Kbd, Pagination, Text, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconCpu, IconFileImport, IconPlus, IconSearch } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { Link } from 'wouter';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useCommand } from '../../state/commands.ts';
import { useWatch } from '../../state/watch-context.ts';
import { ApplicationSelect } from './application-select.tsx';
import { DeviceTable, type Sorting } from './device-table.tsx';
import { ExportDevices } from './export-devices.tsx';
import { type DevicePageData, type DevicesLoad, PER_PAGE, useDevices } from './use-devices.ts';

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

function ImportButton() {
  return (
    <Button
      component={Link}
      href="/devices/import"
      size="xs"
      variant="default"
      leftSection={<IconFileImport size={15} />}
      data-testid="import-devices"
    >
      Import from a file
    </Button>
  );
}

interface SearchInputProps {
  readonly search: string;
  onSearch(search: string): void;
}

function SearchInput({ search, onSearch }: SearchInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useCommand('find', () => input.current?.focus());
  return (
    <TextInput
      ref={input}
      size="xs"
      w={320}
      value={search}
      onChange={(event) => onSearch(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        if (search === '') event.currentTarget.blur();
        onSearch('');
      }}
      placeholder="Search by id, EUI, name or description"
      aria-label="Search devices"
      leftSection={<IconSearch size={14} />}
      rightSection={
        search === '' ? (
          <Kbd size="xs">/</Kbd>
        ) : (
          <CloseButton size="xs" aria-label="Clear search" onClick={() => onSearch('')} />
        )
      }
      data-testid="device-search"
    />
  );
}

function countText({ devices, found, total }: DevicePageData, page: number): string {
  const first = (page - 1) * PER_PAGE + 1;
  const last = first + devices.length - 1;
  const number = (value: number): string => value.toLocaleString('en');
  const matching =
    found === total ? number(total) : `${number(found)} found among ${number(total)}`;
  return `${number(first)}–${number(last)} of ${matching}`;
}

function NoDevices() {
  const elsewhere = useWatch((state) => state.workspace?.deviceCount ?? 0);
  return (
    <EmptyState
      icon={IconCpu}
      title="No end device in this application"
      text={`Register a device with its EUIs and keys. Frames of unknown devices are recorded all the same, and can be read once their keys are here.${elsewhere > 0 ? ` Devices in other applications: ${elsewhere.toLocaleString('en')}.` : ''}`}
    >
      <Group gap="xs" justify="center">
        <RegisterButton />
        <ImportButton />
      </Group>
    </EmptyState>
  );
}

interface PagerProps {
  readonly data: DevicePageData | undefined;
  readonly page: number;
  onPage(page: number): void;
}

/** Which devices of how many, always in sight. */
function Pager({ data, page, onPage }: PagerProps) {
  if (data === undefined || data.found === 0) return null;
  const pages = Math.ceil(data.found / PER_PAGE);
  return (
    <>
      <Text size="xs" c="dimmed" ml="auto" data-testid="device-count">
        {countText(data, page)}
      </Text>
      {pages > 1 && (
        <Pagination
          size="sm"
          total={pages}
          value={page}
          onChange={onPage}
          siblings={1}
          withEdges
          getItemProps={(item) => ({ 'aria-label': `page ${item}` })}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        />
      )}
    </>
  );
}

interface ListingProps {
  readonly load: DevicesLoad;
  readonly search: string;
  readonly sorting: Sorting;
  onSort(sorting: Sorting): void;
}

function Listing({ load, search, sorting, onSort }: ListingProps) {
  const { data, problem } = load;
  if (problem !== undefined) {
    return (
      <ProblemAlert
        problem={problem}
        title="The devices could not be listed"
        onRetry={load.reload}
      />
    );
  }
  if (data === undefined) return <SkeletonRows count={10} />;
  if (data.total === 0) return <NoDevices />;
  return (
    <>
      {data.found === 0 ? (
        <Text size="sm" c="dimmed" ta="center" py={48} role="status">
          No device among {data.total.toLocaleString('en')} matches “{search.trim()}”.
        </Text>
      ) : (
        <DeviceTable devices={data.devices} sorting={sorting} busy={load.loading} onSort={onSort} />
      )}
    </>
  );
}

/** The application shown last; before any was chosen that of the demonstration while it runs, else the first one. */
export function useShownApplication(): readonly [string, (applicationId: string) => void] {
  const [chosen, choose] = useLocalStorage({
    key: 'gatehouse.application',
    defaultValue: '',
    getInitialValueInEffect: false,
  });
  const demoRunning = useWatch((state) => state.workspace?.demoRunning ?? false);
  return [chosen || (demoRunning ? 'demo' : 'lab'), choose];
}

/** The devices of one application. */
export function DevicesPage() {
  const [applicationId, setApplicationId] = useShownApplication();
  const [search, setSearch] = useState('');
  const [page, setPage] = useState(1);
  const [sorting, setSorting] = useState<Sorting>({ orderBy: 'device_id', descending: false });
  const deviceCount = useWatch((state) => state.workspace?.deviceCount ?? 0);
  const load = useDevices({
    applicationId,
    search,
    page,
    ...sorting,
    version: String(deviceCount),
  });
  /** Another question begins on its first page. */
  const first =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setPage(1);
    };
  return (
    <Page
      title="Devices"
      actions={
        <>
          <ExportDevices applicationId={applicationId} />
          <ImportButton />
          <RegisterButton />
        </>
      }
    >
      <Group mb="sm" gap="xs">
        <SearchInput search={search} onSearch={first(setSearch)} />
        <ApplicationSelect
          size="xs"
          hideLabel
          value={applicationId}
          onChange={first(setApplicationId)}
        />
        <Pager data={load.data} page={page} onPage={setPage} />
      </Group>
      <Listing load={load} search={search} sorting={sorting} onSort={first(setSorting)} />
    </Page>
  );
}
