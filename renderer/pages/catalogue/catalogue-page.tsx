import {
  Button,
  CloseButton,
  Group,
  Pagination,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconBooks, IconDownload, IconSearch } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { Link } from 'wouter';
import type { EndDeviceModel } from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { EmptyState } from '../../components/empty-state.tsx';
import { Page } from '../../components/page.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useCommand } from '../../state/commands.ts';
import type { Load } from '../../state/use-load.ts';
import classes from './catalogue-page.module.css';
import { ImportForm } from './import-form.tsx';
import { ImportReport, ImportsPanel } from './imports-panel.tsx';
import { ModelPicture } from './model-picture.tsx';
import {
  MODELS_PER_PAGE,
  type ModelPage,
  useBrands,
  useCatalogueStatus,
  useImport,
  useModels,
} from './use-catalogue.ts';

/** Typing is over after so long. */
const SEARCH_PAUSE_MS = 200;

interface FiltersProps {
  readonly search: string;
  readonly brandId: string;
  readonly brands: readonly { readonly value: string; readonly label: string }[];
  onSearch(search: string): void;
  onBrand(brandId: string): void;
}

function Filters({ search, brandId, brands, onSearch, onBrand }: FiltersProps) {
  const input = useRef<HTMLInputElement>(null);
  useCommand('find', () => input.current?.focus());
  return (
    <>
      <TextInput
        ref={input}
        size="xs"
        w={320}
        value={search}
        onChange={(event) => onSearch(event.currentTarget.value)}
        placeholder="Search by name, sensor or id"
        aria-label="Search the catalogue"
        leftSection={<IconSearch size={14} />}
        rightSection={
          search !== '' && (
            <CloseButton size="xs" aria-label="Clear search" onClick={() => onSearch('')} />
          )
        }
        data-testid="catalogue-search"
      />
      <Select
        size="xs"
        w={220}
        aria-label="Brand"
        placeholder="All brands"
        searchable
        clearable
        limit={200}
        clearButtonProps={{ 'aria-label': 'All brands' }}
        data={[...brands]}
        value={brandId || null}
        onChange={(value) => onBrand(value ?? '')}
      />
    </>
  );
}

function ModelCard({ model, brand }: { readonly model: EndDeviceModel; readonly brand: string }) {
  return (
    <Link
      href={`/catalogue/${model.brandId}/${model.modelId}`}
      className={classes.card ?? ''}
      data-testid="catalogue-model"
    >
      <ModelPicture model={model} />
      <div className={classes.text}>
        <Text size="sm" fw={560} truncate>
          {model.name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {brand}
        </Text>
        <Text size="xs" lineClamp={2} mt={2}>
          {model.description}
        </Text>
      </div>
    </Link>
  );
}

interface ResultsProps {
  readonly load: Load<ModelPage>;
  readonly brandNames: ReadonlyMap<string, string>;
}

function Results({ load, brandNames }: ResultsProps) {
  const { data, problem, reload } = load;
  if (problem !== undefined)
    return (
      <ProblemAlert problem={problem} title="The catalogue could not be read" onRetry={reload} />
    );
  if (data === undefined) return <SkeletonRows count={6} height={78} />;
  if (data.total === 0)
    return (
      <EmptyState
        icon={IconBooks}
        title="No device matches"
        text="Every word has to occur in the name, the sensors, the description or the ids. A newer device repository may know the device."
      />
    );
  return (
    <div className={classes.grid}>
      {data.models.map((model) => (
        <ModelCard
          key={`${model.brandId}/${model.modelId}`}
          model={model}
          brand={brandNames.get(model.brandId) ?? model.brandId}
        />
      ))}
    </div>
  );
}

interface PagerProps {
  readonly total: number | undefined;
  readonly page: number;
  onPage(page: number): void;
}

function Pager({ total, page, onPage }: PagerProps) {
  if (total === undefined) return null;
  const pages = Math.ceil(total / MODELS_PER_PAGE);
  return (
    <>
      <Text size="xs" c="dimmed" ml="auto" role="status" data-testid="catalogue-count">
        {total.toLocaleString('en')} device{total === 1 ? '' : 's'}
      </Text>
      {pages > 1 && (
        <Pagination
          size="sm"
          total={pages}
          value={page}
          onChange={onPage}
          siblings={1}
          getItemProps={(item) => ({ 'aria-label': `page ${item}` })}
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
        />
      )}
    </>
  );
}

/** Search and its results. `version` changes with every import. */
function Devices({ version }: { readonly version: string }) {
  const [search, setSearch] = useState('');
  const [brandId, setBrandId] = useState('');
  const [page, setPage] = useState(1);
  const [question] = useDebouncedValue(search.trim(), SEARCH_PAUSE_MS);
  const models = useModels({ search: question, brandId, page, version });
  const brands = useBrands(version).data ?? [];
  /** Another question begins on its first page. */
  const first = (set: (value: string) => void) => (value: string) => {
    set(value);
    setPage(1);
  };
  return (
    <>
      <Group mb="sm" gap="xs">
        <Filters
          search={search}
          brandId={brandId}
          brands={brands.map((brand) => ({ value: brand.brandId, label: brand.name }))}
          onSearch={first(setSearch)}
          onBrand={first(setBrandId)}
        />
        <Pager total={models.data?.total} page={page} onPage={setPage} />
      </Group>
      <Results
        load={models}
        brandNames={new Map(brands.map((brand) => [brand.brandId, brand.name]))}
      />
    </>
  );
}

/** What is known about devices: search, imports, and their reports. */
export function CataloguePage() {
  const status = useCatalogueStatus();
  const [importing, setImporting] = useState(false);
  const [report, setReport] = useState<bigint>();
  const running = useImport(status.reload);
  const active = (status.data?.versions ?? []).filter((version) => version.active);
  return (
    <Page
      title="Catalogue"
      actions={
        <Button
          size="xs"
          leftSection={<IconDownload size={15} />}
          onClick={() => setImporting(true)}
          data-testid="catalogue-import"
        >
          Import a device repository
        </Button>
      }
    >
      <Stack gap="lg">
        <div>
          <Devices version={active.map(({ id }) => id).join()} />
        </div>
        <ImportsPanel status={status.data} onChanged={status.reload} onReport={setReport} />
      </Stack>
      <ImportForm
        opened={importing}
        running={running}
        onClose={() => setImporting(false)}
        onReport={(versionId) => {
          // One dialog at a time: Escape would close both.
          setImporting(false);
          running.reset();
          setReport(versionId);
        }}
      />
      <ImportReport versionId={report} onClose={() => setReport(undefined)} />
    </Page>
  );
}
