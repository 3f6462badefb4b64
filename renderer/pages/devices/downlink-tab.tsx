import { Code, ConnectError } from '@connectrpc/connect';
import {
  Alert,
  Button,
  Grid,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
} from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { TxSchedulePriority } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { useApi } from '../../client/api-context.ts';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { byteCount } from '../../formats/bytes.ts';
import { isUplink } from '../../formats/frame-words.ts';
import { PRIORITIES } from '../../formats/priorities.ts';
import { useAction } from '../../state/use-action.ts';
import { useLoad } from '../../state/use-load.ts';
import { type PayloadForm, readPayload } from './downlink-draft.ts';
import { DownlinkQueue } from './downlink-queue-panel.tsx';
import { RecentDownlinks } from './recent-downlinks.tsx';
import { type DeviceDetails, endDeviceIds } from './use-device.ts';

const FORMS: readonly { readonly value: PayloadForm; readonly label: string }[] = [
  { value: 'hex', label: 'Hex' },
  { value: 'base64', label: 'Base64' },
  { value: 'text', label: 'Text' },
  { value: 'json', label: 'JSON' },
];

interface Draft {
  readonly text: string;
  readonly form: PayloadForm;
  readonly fPort: number;
  readonly confirmed: boolean;
  readonly priority: string;
  readonly mode: 'push' | 'replace';
}

function sizeText(draft: Draft): string {
  const reading = readPayload(draft.text, draft.form);
  if (reading.kind === 'bytes') return byteCount(reading.bytes.length);
  return reading.kind === 'decoded' ? 'Encoded by the payload formatter of the device' : '';
}

interface FieldsProps {
  readonly draft: Draft;
  change(change: Partial<Draft>): void;
}

function PayloadFields({ draft, change }: FieldsProps) {
  const reading = readPayload(draft.text, draft.form);
  const error = draft.text !== '' && reading.kind === 'error' ? reading.message : undefined;
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={500} component="label" htmlFor="downlink-payload">
          Payload
        </Text>
        <SegmentedControl
          size="xs"
          aria-label="Form of the payload"
          value={draft.form}
          onChange={(form) => change({ form })}
          data={[...FORMS]}
        />
      </Group>
      <Textarea
        id="downlink-payload"
        value={draft.text}
        error={error}
        onChange={(event) => change({ text: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
        placeholder={
          draft.form === 'json' ? '{"led": true}' : draft.form === 'hex' ? '01 A0 FF' : ''
        }
        classNames={{ input: 'mono' }}
        spellCheck={false}
        autosize
        minRows={2}
        maxRows={8}
        data-testid="downlink-payload"
      />
      <Text size="xs" c="dimmed" mt={3} mih={18}>
        {sizeText(draft)}
      </Text>
    </div>
  );
}

function OptionFields({ draft, change }: FieldsProps) {
  return (
    <>
      <Group grow align="start">
        <NumberInput
          label="FPort"
          min={1}
          max={223}
          allowDecimal={false}
          value={draft.fPort}
          onChange={(value) => change({ fPort: Number(value) })}
        />
        <Select
          label="Priority"
          allowDeselect={false}
          data={PRIORITIES.map(({ priority, label }) => ({ value: String(priority), label }))}
          value={draft.priority}
          onChange={(priority) => change({ priority: priority ?? draft.priority })}
        />
      </Group>
      <Switch
        size="sm"
        label="Confirmed: the device has to acknowledge it"
        checked={draft.confirmed}
        onChange={(event) => change({ confirmed: event.currentTarget.checked })}
      />
      <SegmentedControl
        size="xs"
        aria-label="What happens to the queue"
        value={draft.mode}
        onChange={(mode) => change({ mode })}
        data={[
          { value: 'push' as const, label: 'Add to the queue' },
          { value: 'replace' as const, label: 'Replace the queue' },
        ]}
      />
    </>
  );
}

function useQueueDownlink(details: DeviceDetails, onDone: () => void) {
  const api = useApi();
  return useAction(async (draft: Draft) => {
    const reading = readPayload(draft.text, draft.form);
    if (reading.kind === 'error') throw new ConnectError(reading.message, Code.InvalidArgument);
    const request = {
      endDeviceIds: endDeviceIds(details),
      downlinks: [
        {
          fPort: draft.fPort,
          confirmed: draft.confirmed,
          priority: Number(draft.priority),
          ...(reading.kind === 'bytes'
            ? { frmPayload: reading.bytes }
            : { decodedPayload: reading.payload }),
        },
      ],
    };
    if (draft.mode === 'push') await api.appAs.downlinkQueuePush(request);
    else await api.appAs.downlinkQueueReplace(request);
    onDone();
  });
}

/** Queue a downlink, see what waits, and what became of the former ones. */
export function DownlinkTab({ details }: { readonly details: DeviceDetails }) {
  const api = useApi();
  const lastPort = details.frames.find((frame) => isUplink(frame) && (frame.fPort ?? 0) > 0)?.fPort;
  const [draft, setDraft] = useState<Draft>({
    text: '',
    form: 'hex',
    fPort: lastPort ?? 1,
    confirmed: false,
    priority: String(TxSchedulePriority.NORMAL),
    mode: 'push',
  });
  const [queuedAt, setQueuedAt] = useState<number>();
  const newest = details.frames[0];
  const queue = useLoad(
    `queue/${details.applicationId}/${details.deviceId}`,
    (signal) => api.appAs.downlinkQueueList(endDeviceIds(details), { signal }),
    `${newest?.id ?? ''}/${newest?.verdict?.outcome ?? ''}`,
  );
  const send = useQueueDownlink(details, () => {
    setQueuedAt(Date.now());
    queue.reload();
  });
  const change = (wanted: Partial<Draft>): void => {
    setQueuedAt(undefined);
    send.clear();
    setDraft((old) => ({ ...old, ...wanted }));
  };
  const ready = draft.text !== '' && readPayload(draft.text, draft.form).kind !== 'error';
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Panel title="Queue a downlink">
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (ready) void send.run(draft);
            }}
          >
            <Stack gap="sm">
              <PayloadFields draft={draft} change={change} />
              <OptionFields draft={draft} change={change} />
              {send.problem !== undefined && (
                <ProblemAlert problem={send.problem} title="The downlink was not queued" />
              )}
              {queuedAt !== undefined && (
                <Alert
                  color="teal"
                  variant="light"
                  p="xs"
                  icon={<IconCheck size={16} />}
                  role="status"
                  data-testid="downlink-queued"
                >
                  Queued. It goes out in a receive window after the next uplink of the device.
                </Alert>
              )}
              <Button
                type="submit"
                disabled={!ready}
                loading={send.busy}
                w="fit-content"
                data-testid="downlink-submit"
              >
                {draft.mode === 'push' ? 'Queue downlink' : 'Replace the queue with it'}
              </Button>
            </Stack>
          </form>
        </Panel>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Stack gap="md">
          <DownlinkQueue details={details} queue={queue} />
          <RecentDownlinks frames={details.frames} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}
