import type { JsonObject } from '@bufbuild/protobuf';
import { Button, Grid, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { PayloadFormatter } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { useApi } from '../../client/api-context.ts';
import { notifyDone } from '../../components/notify.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { toHex } from '../../formats/bytes.ts';
import { isUplink } from '../../formats/frame-words.ts';
import { clockTime, timestampMs } from '../../formats/time.ts';
import { useDraft } from '../../state/drafts.ts';
import { useAction } from '../../state/use-action.ts';
import { INITIAL_DRAFT } from './device-draft.ts';
import { FormatterEditor } from './device-fields.tsx';
import { type DeviceDetails, endDeviceIds } from './use-device.ts';

interface Choice {
  readonly formatter: PayloadFormatter;
  readonly code: string;
}

interface Tried {
  readonly decoded: JsonObject | undefined;
  readonly warnings: readonly string[];
}

function parameterOf({ formatter, code }: Choice): string {
  return formatter === PayloadFormatter.FORMATTER_JAVASCRIPT ? code : '';
}

/** Runs the formatter as it stands here on a frame that was really heard. */
function TryPanel({
  details,
  choice,
}: {
  readonly details: DeviceDetails;
  readonly choice: Choice;
}) {
  const api = useApi();
  const [tried, setTried] = useState<Tried>();
  const uplink = details.frames.find((frame) => isUplink(frame) && frame.frmPayload.length > 0);
  const decode = useAction(async () => {
    if (uplink === undefined) return;
    setTried(undefined);
    const answer = await api.appAs.decodeUplink({
      endDeviceIds: endDeviceIds(details),
      formatter: choice.formatter,
      parameter: parameterOf(choice),
      uplink: {
        fPort: uplink.fPort ?? 1,
        fCnt: uplink.fullFCnt ?? uplink.fCnt ?? 0,
        frmPayload: uplink.frmPayload,
        settings: {
          frequency: uplink.frequencyHz,
          ...(uplink.dataRate === undefined ? {} : { dataRate: uplink.dataRate }),
        },
      },
    });
    setTried({
      decoded: answer.uplink?.decodedPayload,
      warnings: answer.uplink?.decodedPayloadWarnings ?? [],
    });
  });
  return (
    <Panel title="Try it on the newest uplink">
      {uplink === undefined ? (
        <Text size="sm" c="dimmed">
          No uplink with a payload among the newest frames.
        </Text>
      ) : (
        <Stack gap="sm">
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm" className="mono truncate">
              {clockTime(timestampMs(uplink.time) ?? 0)} · {toHex(uplink.frmPayload, ' ')}
            </Text>
            <Button
              size="xs"
              variant="default"
              loading={decode.busy}
              disabled={choice.formatter === PayloadFormatter.FORMATTER_NONE}
              onClick={() => void decode.run()}
            >
              Decode
            </Button>
          </Group>
          {decode.problem !== undefined && (
            <ProblemAlert problem={decode.problem} title="The formatter failed" />
          )}
          {tried !== undefined && (
            <pre className="mono" style={{ margin: 0, fontSize: 12, whiteSpace: 'pre-wrap' }}>
              {tried.decoded === undefined
                ? 'Nothing was decoded.'
                : JSON.stringify(tried.decoded, null, 2)}
            </pre>
          )}
          {tried?.warnings.map((warning) => (
            <Text key={warning} size="xs" c="orange">
              {warning}
            </Text>
          ))}
        </Stack>
      )}
    </Panel>
  );
}

/** The device's own payload formatter. */
export function FormatterTab({ details }: { readonly details: DeviceDetails }) {
  const api = useApi();
  const stored = details.application?.formatters;
  const saved: Choice = {
    formatter: stored?.upFormatter ?? PayloadFormatter.FORMATTER_NONE,
    code: stored?.upFormatterParameter || INITIAL_DRAFT.formatterCode,
  };
  const draft = useDraft<Choice | undefined>(
    `formatter/${details.applicationId}/${details.deviceId}`,
    undefined,
  );
  const choice = draft.value ?? saved;
  const setChoice = (wanted: Partial<Choice>): void =>
    draft.change(() => ({ ...choice, ...wanted }));
  const changed =
    parameterOf(choice) !== parameterOf(saved) || choice.formatter !== saved.formatter;
  const save = useAction(async () => {
    const parameter = parameterOf(choice);
    await api.asDevices.set({
      endDevice: {
        ids: endDeviceIds(details),
        formatters: {
          upFormatter: choice.formatter,
          upFormatterParameter: parameter,
          downFormatter: choice.formatter,
          downFormatterParameter: parameter,
        },
      },
      fieldMask: { paths: ['formatters'] },
    });
    notifyDone('The payload formatter is saved; it is used from the next frame on');
    details.reload();
    draft.discard();
  });
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Panel title="Formatter of this device">
          <Stack gap="sm">
            <FormatterEditor
              formatter={choice.formatter}
              code={choice.code}
              onFormatter={(formatter) => setChoice({ formatter })}
              onCode={(code) => setChoice({ code })}
            />
            {save.problem !== undefined && (
              <ProblemAlert problem={save.problem} title="The formatter was not saved" />
            )}
            <Group gap="xs">
              <Button
                loading={save.busy}
                disabled={!changed}
                onClick={() => void save.run()}
                data-testid="formatter-save"
              >
                Save formatter
              </Button>
              {changed && (
                <>
                  <Button variant="default" onClick={draft.discard}>
                    Undo the changes
                  </Button>
                  <Text size="sm" c="dimmed" role="status">
                    Not saved yet
                  </Text>
                </>
              )}
            </Group>
          </Stack>
        </Panel>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}>
        <TryPanel details={details} choice={choice} />
      </Grid.Col>
    </Grid>
  );
}
