import { Checkbox, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { PayloadFormatter } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { FrequencyPlanSelect } from '../../components/frequency-plan-select.tsx';
import {
  LORAWAN_VERSIONS,
  phyVersionLabel,
  phyVersionsFor,
} from '../../formats/lorawan-versions.ts';
import { ApplicationSelect } from './application-select.tsx';
import type { DeviceDraft, DraftProblems } from './device-draft.ts';

export interface DraftFieldsProps {
  readonly draft: DeviceDraft;
  readonly problems: DraftProblems;
  change(change: Partial<DeviceDraft>): void;
}

export function RadioFields({ draft, problems, change }: DraftFieldsProps) {
  return (
    <Stack gap="sm">
      <FrequencyPlanSelect
        value={draft.frequencyPlanId}
        error={problems.frequencyPlanId}
        preselect
        onChange={(frequencyPlanId) => change({ frequencyPlanId })}
      />
      <Group grow align="start">
        <Select
          label="LoRaWAN version"
          allowDeselect={false}
          value={String(draft.macVersion)}
          error={problems.macVersion}
          onChange={(value) => change({ macVersion: Number(value) })}
          data={LORAWAN_VERSIONS.map(({ macVersion, label }) => ({
            value: String(macVersion),
            label: `LoRaWAN ${label}`,
          }))}
        />
        <Select
          label="Regional Parameters version"
          allowDeselect={false}
          value={String(draft.phyVersion)}
          error={problems.phyVersion}
          onChange={(value) => change({ phyVersion: Number(value) })}
          data={phyVersionsFor(draft.macVersion).map((version) => ({
            value: String(version),
            label: phyVersionLabel(version),
          }))}
        />
      </Group>
      <Checkbox
        label="Class C: the device listens all the time"
        checked={draft.supportsClassC}
        onChange={(event) => change({ supportsClassC: event.currentTarget.checked })}
      />
      <Text size="xs" c="dimmed" data-testid="class-note">
        {draft.supportsClassC
          ? 'Downlinks go out at once. A LoRaWAN 1.1 device is served as class A until it says that it listens.'
          : 'The device is served as class A: downlinks go out after its uplinks. Class B cannot be chosen yet.'}
      </Text>
    </Stack>
  );
}

export function IdentityFields({ draft, problems, change }: DraftFieldsProps) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Name"
        placeholder="Optional, in your words"
        value={draft.name}
        error={problems.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <Group grow align="start">
        <TextInput
          label="Device id"
          placeholder="e.g. door-1"
          value={draft.deviceId}
          error={problems.deviceId}
          onChange={(event) => change({ deviceId: event.currentTarget.value })}
          spellCheck={false}
        />
        <ApplicationSelect
          value={draft.applicationId}
          error={problems.applicationId}
          onChange={(applicationId) => change({ applicationId })}
        />
      </Group>
      <Checkbox
        size="sm"
        label="Also simulate this device"
        description="A simulated device with the same keys sends without hardware"
        checked={draft.simulate}
        onChange={(event) => change({ simulate: event.currentTarget.checked })}
      />
    </Stack>
  );
}

const FORMATTERS = [
  { value: String(PayloadFormatter.FORMATTER_NONE), label: 'None: bytes only' },
  { value: String(PayloadFormatter.FORMATTER_CAYENNELPP), label: 'CayenneLPP' },
  { value: String(PayloadFormatter.FORMATTER_JAVASCRIPT), label: 'JavaScript' },
];

interface FormatterEditorProps {
  readonly formatter: PayloadFormatter;
  readonly code: string;
  readonly error?: string | undefined;
  onFormatter(formatter: PayloadFormatter): void;
  onCode(code: string): void;
}

/** Kind of formatter and, for JavaScript, its code. */
export function FormatterEditor(props: FormatterEditorProps) {
  return (
    <Stack gap="sm">
      <Select
        label="Payload formatter"
        allowDeselect={false}
        value={String(props.formatter)}
        onChange={(value) => props.onFormatter(Number(value))}
        data={FORMATTERS}
      />
      {props.formatter === PayloadFormatter.FORMATTER_JAVASCRIPT && (
        <Textarea
          label="Code"
          description="decodeUplink, and encodeDownlink or decodeDownlink if wanted"
          value={props.code}
          error={props.error}
          onChange={(event) => props.onCode(event.currentTarget.value)}
          autosize
          minRows={8}
          maxRows={20}
          maxLength={40_960}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          data-testid="formatter-code"
        />
      )}
    </Stack>
  );
}

export function FormatterFields({ draft, problems, change }: DraftFieldsProps) {
  return (
    <FormatterEditor
      formatter={draft.formatter}
      code={draft.formatterCode}
      error={problems.formatterCode}
      onFormatter={(formatter) => change({ formatter })}
      onCode={(formatterCode) => change({ formatterCode })}
    />
  );
}
