import { Button, Checkbox, Group, Modal, Radio, Stack, Text } from '@mantine/core';
import { IconFileExport } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useApi } from '../../client/api-context.ts';
import { notifyDone } from '../../components/notify.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { saveFile } from '../../components/save-file.ts';
import { useAction } from '../../state/use-action.ts';

interface ExportProps {
  readonly applicationId: string;
}

const FORMATS = [
  {
    id: 'the-things-stack',
    ending: 'json',
    label: 'JSON: everything, sessions and settings included',
  },
  { id: 'the-things-stack-csv', ending: 'csv', label: 'CSV: what has a column, for a spreadsheet' },
] as const;
type Format = (typeof FORMATS)[number];

function Body({ applicationId, onClose }: ExportProps & { onClose(): void }) {
  const api = useApi();
  const [format, setFormat] = useState<Format>(FORMATS[0]);
  const [includeKeys, setIncludeKeys] = useState(false);
  const [count, setCount] = useState(0);
  const control = useRef(new AbortController());
  useEffect(() => {
    const current = control.current;
    return () => current.abort();
  }, []);
  const save = useAction(async () => {
    const { signal } = control.current;
    const request = { applicationIds: { applicationId }, formatId: format.id, includeKeys };
    const pieces: Blob[] = [];
    let devices = 0;
    for await (const piece of api.deviceFiles.export(request, { signal })) {
      pieces.push(new Blob([new Uint8Array(piece.data)]));
      devices = piece.devices;
      setCount(devices);
    }
    saveFile(`${applicationId}-devices.${format.ending}`, pieces);
    notifyDone(`${devices.toLocaleString('en')} devices were exported`);
    onClose();
  });
  return (
    <Stack gap="md">
      <Radio.Group
        label="Format"
        value={format.id}
        onChange={(id) => setFormat(FORMATS.find((one) => one.id === id) ?? format)}
      >
        <Stack gap={6} mt={6}>
          {FORMATS.map(({ id, label }) => (
            <Radio key={id} value={id} label={label} />
          ))}
        </Stack>
      </Radio.Group>
      <Checkbox
        label="With root and session keys"
        description="Needed to register the devices again. Whoever has the file can read and send their frames."
        checked={includeKeys}
        onChange={(event) => setIncludeKeys(event.currentTarget.checked)}
      />
      {save.busy && (
        <Text size="xs" c="dimmed" role="status">
          {count.toLocaleString('en')} devices read
        </Text>
      )}
      {save.problem !== undefined && (
        <ProblemAlert problem={save.problem} title="The devices were not exported" />
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={save.busy}
          onClick={() => void save.run()}
          data-testid="export-devices-run"
        >
          Export
        </Button>
      </Group>
    </Stack>
  );
}

/** Button and dialog that write the devices of an application into a file. */
export function ExportDevices({ applicationId }: ExportProps) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconFileExport size={15} />}
        onClick={() => setOpened(true)}
        data-testid="export-devices"
      >
        Export
      </Button>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title={`Export the devices of ${applicationId}`}
        centered
        size={500}
      >
        {opened && <Body applicationId={applicationId} onClose={() => setOpened(false)} />}
      </Modal>
    </>
  );
}
