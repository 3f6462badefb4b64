import { Button, FileInput, Grid, Group, Select, Stack, Text } from '@mantine/core';
import { IconFileUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { MACVersion, PHYVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { FrequencyPlanSelect } from '../../components/frequency-plan-select.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { LORAWAN_VERSIONS, phyVersionsFor } from '../../formats/lorawan-versions.ts';
import { ApplicationSelect } from './application-select.tsx';
import { useShownApplication } from './devices-page.tsx';
import { ImportResultView } from './import-result-view.tsx';
import { type Import, type ImportForm, useImport } from './use-import.ts';

const COLUMNS =
  'id, dev_eui, join_eui, name, frequency_plan_id, lorawan_version, lorawan_phy_version, app_key';

interface FormProps {
  readonly form: ImportForm;
  readonly disabled: boolean;
  change(change: Partial<ImportForm>): void;
}

function FileFields({ form, disabled, change }: FormProps) {
  return (
    <Panel title="File">
      <Stack gap="sm">
        <FileInput
          label="File with end devices"
          description="CSV or JSON, as The Things Stack and this program export them"
          placeholder="Choose a file"
          accept=".csv,.json,.jsonl"
          leftSection={<IconFileUpload size={15} />}
          clearable
          clearButtonProps={{ 'aria-label': 'Clear the file' }}
          disabled={disabled}
          value={form.file}
          onChange={(file) => change({ file })}
          data-testid="import-file"
        />
        <Text size="xs" c="dimmed">
          The first line of a CSV file names its columns, such as{' '}
          <span className="mono">{COLUMNS}</span>.
        </Text>
        <ApplicationSelect
          value={form.applicationId}
          onChange={(applicationId) => change({ applicationId })}
        />
      </Stack>
    </Panel>
  );
}

/** The usual Regional Parameters go along with a LoRaWAN version. */
function versionsOf(value: string | null): Pick<ImportForm, 'macVersion' | 'phyVersion'> {
  const macVersion: MACVersion = Number(value ?? MACVersion.MAC_UNKNOWN);
  const [phyVersion = PHYVersion.PHY_UNKNOWN] = phyVersionsFor(macVersion);
  return { macVersion, phyVersion };
}

function DefaultFields({ form, change }: FormProps) {
  return (
    <Panel title="For devices of which the file does not say it">
      <Stack gap="sm">
        <FrequencyPlanSelect
          value={form.frequencyPlanId}
          clearable
          onChange={(frequencyPlanId) => change({ frequencyPlanId })}
        />
        <Select
          label="LoRaWAN version"
          placeholder="As the file says"
          clearable
          clearButtonProps={{ 'aria-label': 'Clear the LoRaWAN version' }}
          value={form.macVersion === MACVersion.MAC_UNKNOWN ? null : String(form.macVersion)}
          onChange={(value) => change(versionsOf(value))}
          data={LORAWAN_VERSIONS.map(({ macVersion, label }) => ({
            value: String(macVersion),
            label,
          }))}
        />
      </Stack>
    </Panel>
  );
}

function Actions({ form, run }: { readonly form: ImportForm; readonly run: Import }) {
  const ready = form.file !== null && !run.busy;
  return (
    <Group justify="flex-end" gap="xs">
      <Button component={Link} href="/devices" variant="default">
        Back to the devices
      </Button>
      {run.busy && (
        <Button variant="default" onClick={run.stop} data-testid="import-stop">
          Stop
        </Button>
      )}
      <Button
        variant="default"
        disabled={!ready}
        onClick={() => run.run(form, true)}
        data-testid="import-try"
      >
        Check without registering
      </Button>
      <Button disabled={!ready} onClick={() => run.run(form, false)} data-testid="import-run">
        Register the devices
      </Button>
    </Group>
  );
}

/** Registers the devices of a file, or checks first what would become of them. */
export function ImportDevicesPage() {
  const [applicationId] = useShownApplication();
  const [form, setForm] = useState<ImportForm>({
    applicationId,
    file: null,
    frequencyPlanId: '',
    macVersion: MACVersion.MAC_UNKNOWN,
    phyVersion: PHYVersion.PHY_UNKNOWN,
  });
  const run = useImport();
  const change = (wanted: Partial<ImportForm>): void => {
    // A verdict belongs to what it was given for.
    if (!run.busy) run.clear();
    setForm((old) => ({ ...old, ...wanted }));
  };
  const fields = { form, change, disabled: run.busy };
  return (
    <Page title="Import end devices">
      <Stack gap="md">
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 6 }}>
            <FileFields {...fields} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <DefaultFields {...fields} />
          </Grid.Col>
        </Grid>
        <Actions form={form} run={run} />
        {run.problem !== undefined && (
          <ProblemAlert problem={run.problem} title="The file was not imported to its end" />
        )}
        {run.result !== undefined && <ImportResultView result={run.result} />}
      </Stack>
    </Page>
  );
}
