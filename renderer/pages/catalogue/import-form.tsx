import {
  Alert,
  Button,
  FileInput,
  Group,
  Modal,
  Progress,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconCheck, IconFileZip } from '@tabler/icons-react';
import { useState } from 'react';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { countsText, progressPercent, progressText } from './catalogue-words.ts';
import type { ImportState, RunningImport } from './use-catalogue.ts';

interface ImportFormProps {
  readonly opened: boolean;
  readonly running: RunningImport;
  onClose(): void;
  onReport(versionId: bigint): void;
}

function Running({ state }: { readonly state: ImportState }) {
  if (state.kind !== 'uploading' && state.kind !== 'importing') return null;
  const uploading = state.kind === 'uploading';
  const percent = uploading ? 100 * state.share : progressPercent(state.progress);
  return (
    <Stack gap={6} role="status" data-testid="import-progress">
      <Text size="sm">{uploading ? 'Sending the file' : progressText(state.progress)}</Text>
      <Progress value={percent} aria-label="Progress of the import" />
    </Stack>
  );
}

function Done({
  state,
  onReport,
}: Pick<ImportFormProps, 'onReport'> & { readonly state: ImportState }) {
  if (state.kind !== 'done') return null;
  const { version } = state;
  const problems = version?.counts?.problems ?? 0;
  return (
    <Alert
      color="teal"
      variant="light"
      icon={<IconCheck size={17} />}
      title="Imported"
      data-testid="import-done"
    >
      <Text size="sm">{countsText(version?.counts)}.</Text>
      {version !== undefined && problems > 0 && (
        <Button size="compact-xs" variant="default" mt={6} onClick={() => onReport(version.id)}>
          {problems.toLocaleString('en')} files or fields were left out
        </Button>
      )}
    </Alert>
  );
}

interface SourceFieldsProps {
  readonly busy: boolean;
  readonly file: File | null;
  readonly path: string;
  onFile(file: File | null): void;
  onPath(path: string): void;
}

function SourceFields({ busy, file, path, onFile, onPath }: SourceFieldsProps) {
  return (
    <>
      <FileInput
        label="ZIP file"
        placeholder="Choose a file"
        accept=".zip,application/zip"
        clearable
        clearButtonProps={{ 'aria-label': 'Choose no file' }}
        disabled={busy}
        value={file}
        onChange={onFile}
        leftSection={<IconFileZip size={16} />}
        data-testid="import-file"
      />
      <TextInput
        label="Or a folder or ZIP file on the computer Gatehouse runs on"
        placeholder="/home/me/lorawan-devices"
        disabled={busy || file !== null}
        value={path}
        onChange={(event) => onPath(event.currentTarget.value)}
        data-testid="import-path"
      />
    </>
  );
}

/** Reads a device repository from a ZIP file or a folder, and shows how far that is. */
export function ImportForm({ opened, running, onClose, onReport }: ImportFormProps) {
  const { state, start, cancel, reset } = running;
  const [file, setFile] = useState<File | null>(null);
  const [path, setPath] = useState('');
  const busy = state.kind === 'uploading' || state.kind === 'importing';
  const source = file !== null ? { file } : path.trim() === '' ? undefined : { path: path.trim() };
  const close = (): void => {
    if (busy) return;
    reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="Import a device repository" centered size="lg">
      <Stack gap="md">
        <Text size="sm">
          A repository in the layout of the public device repository for LoRaWAN: brands and devices
          as YAML files below a folder “vendor”. The import before stays active until this one is
          complete.
        </Text>
        <SourceFields busy={busy} file={file} path={path} onFile={setFile} onPath={setPath} />
        <Running state={state} />
        <Done state={state} onReport={onReport} />
        {state.kind === 'failed' && (
          <ProblemAlert problem={state.problem} title="Nothing was imported" />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={busy ? cancel : close}>
            {busy ? 'Stop the import' : 'Close'}
          </Button>
          <Button
            loading={busy}
            disabled={source === undefined}
            onClick={() => source !== undefined && start(source)}
            data-testid="import-start"
          >
            Import
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
