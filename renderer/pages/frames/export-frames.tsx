import {
  ActionIcon,
  Button,
  Group,
  Modal,
  Progress,
  Radio,
  Stack,
  Text,
  Tooltip,
} from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { notifyDone } from '../../components/notify.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { saveFile } from '../../components/save-file.ts';
import { useCommand } from '../../state/commands.ts';
import { useAction } from '../../state/use-action.ts';
import { type ExportForm, exportHead, exportLines } from './frame-export.ts';
import { type FrameScope, scopeRequest } from './frame-list.ts';

const PAGE_SIZE = 1000;
/** Frames of one file; it is put together in the memory of the page. */
const MOST_FRAMES = 200_000;

interface Wanted {
  readonly filter: string;
  readonly scope: FrameScope | undefined;
}

interface Fetched {
  readonly parts: readonly string[];
  readonly count: number;
  /** There are older frames that are not in the file. */
  readonly cut: boolean;
}

async function fetchFrames(
  api: Api,
  wanted: Wanted,
  form: ExportForm,
  signal: AbortSignal,
  onProgress: (count: number, total: number) => void,
): Promise<Fetched> {
  const parts = [exportHead(form)];
  let count = 0;
  let beforeId = 0n;
  for (;;) {
    const answer = await api.frames.list(
      {
        beforeId,
        limit: PAGE_SIZE,
        filter: wanted.filter.trim(),
        ...scopeRequest(wanted.scope),
      },
      { signal },
    );
    parts.push(exportLines(answer.frames, form));
    count += answer.frames.length;
    onProgress(count, Number(answer.total));
    beforeId = answer.frames.at(-1)?.id ?? 0n;
    if (!answer.more || beforeId === 0n) return { parts, count, cut: false };
    if (count >= MOST_FRAMES) return { parts, count, cut: true };
  }
}

function whichFrames({ filter, scope }: Wanted): string {
  const of = scope === undefined ? '' : ` of ${scope.deviceId}`;
  return filter.trim() === ''
    ? `All recorded frames${of}, newest first`
    : `The recorded frames${of} that match “${filter.trim()}”, newest first`;
}

function fileName(form: ExportForm): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-');
  return `gatehouse-frames-${time}.${form}`;
}

interface ProgressProps {
  readonly count: number;
  readonly total: number;
}

function ReadProgress({ count, total }: ProgressProps) {
  return (
    <div role="status">
      <Progress value={total === 0 ? 0 : (100 * count) / total} aria-label="Frames read" />
      <Text size="xs" c="dimmed" mt={4}>
        {count.toLocaleString('en')} frames read
      </Text>
    </div>
  );
}

function Body({ onClose, ...wanted }: Wanted & { onClose(): void }) {
  const api = useApi();
  const [form, setForm] = useState<ExportForm>('jsonl');
  const [done, setDone] = useState<ProgressProps>();
  const control = useRef(new AbortController());
  useEffect(() => {
    const current = control.current;
    return () => current.abort();
  }, []);
  const save = useAction(async () => {
    setDone({ count: 0, total: 0 });
    const { signal } = control.current;
    const fetched = await fetchFrames(api, wanted, form, signal, (count, total) =>
      setDone({ count, total }),
    );
    if (signal.aborted) return;
    saveFile(fileName(form), fetched.parts);
    const count = fetched.count.toLocaleString('en');
    notifyDone(
      fetched.cut
        ? `The newest ${count} frames were exported; older ones are not in the file`
        : `${count} frames were exported`,
    );
    onClose();
  });
  return (
    <Stack gap="md">
      <Text size="sm">
        {whichFrames(wanted)}. Payloads are in the clear; keys are not part of it.
      </Text>
      <Radio.Group
        label="Format"
        value={form}
        onChange={(value) => setForm(value === 'csv' ? 'csv' : 'jsonl')}
      >
        <Stack gap={6} mt={6}>
          <Radio value="jsonl" label="JSON Lines: everything, with receptions and verdicts" />
          <Radio value="csv" label="CSV: one line for each frame, for a spreadsheet" />
        </Stack>
      </Radio.Group>
      {save.busy && done !== undefined && <ReadProgress {...done} />}
      {save.problem !== undefined && (
        <ProblemAlert problem={save.problem} title="The frames were not exported" />
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={save.busy}
          onClick={() => void save.run()}
          data-autofocus
          data-testid="export-submit"
        >
          Export
        </Button>
      </Group>
    </Stack>
  );
}

/** Button and dialog that write the frames at hand into a file. */
export function ExportFrames(wanted: Wanted) {
  const [opened, setOpened] = useState(false);
  useCommand('export-frames', () => setOpened(true));
  return (
    <>
      <Tooltip label="Export frames (e)">
        <ActionIcon
          variant="default"
          size={30}
          aria-label="Export frames"
          onClick={() => setOpened(true)}
          data-testid="export-frames"
        >
          <IconDownload size={15} />
        </ActionIcon>
      </Tooltip>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title="Export frames"
        centered
        size={500}
      >
        {opened && <Body {...wanted} onClose={() => setOpened(false)} />}
      </Modal>
    </>
  );
}
