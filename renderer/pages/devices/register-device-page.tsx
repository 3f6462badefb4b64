import { Alert, Anchor, Button, Grid, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useApi } from '../../client/api-context.ts';
import { toProblem } from '../../client/problem.ts';
import { notifyDone } from '../../components/notify.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { suggestDeviceId } from '../../formats/device-id.ts';
import { readIdentifier } from '../../formats/identifier-reading.ts';
import { useDraft } from '../../state/drafts.ts';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import {
  changeDraft,
  type DeviceDraft,
  type DraftProblems,
  draftProblems,
  draftToEndDevice,
  fieldOfError,
  fieldOfPath,
  INITIAL_DRAFT,
} from './device-draft.ts';
import {
  type DraftFieldsProps,
  FormatterFields,
  IdentityFields,
  RadioFields,
} from './device-fields.tsx';
import { KeyFields } from './key-fields.tsx';

interface KeptForm {
  readonly draft: DeviceDraft;
  /** The id was typed; it does not follow name and DevEUI any more. */
  readonly idTouched: boolean;
}

const INITIAL_FORM: KeptForm = { draft: INITIAL_DRAFT, idTouched: false };

/** Changes fields, and with them the id that is offered as long as none was typed. */
function changeForm(form: KeptForm, wanted: Partial<DeviceDraft>): KeptForm {
  const draft = changeDraft(form.draft, wanted);
  if (wanted.deviceId !== undefined) return { draft, idTouched: wanted.deviceId !== '' };
  if (form.idTouched) return { ...form, draft };
  const eui = readIdentifier(draft.devEui, 8);
  const deviceId = suggestDeviceId(draft.name, eui.kind === 'ok' ? eui.hex : undefined);
  return { draft: { ...draft, deviceId }, idTouched: false };
}

interface DraftForm {
  readonly draft: DeviceDraft;
  /** What was typed before the user looked elsewhere. */
  readonly resumed: boolean;
  readonly problems: DraftProblems;
  change(change: Partial<DeviceDraft>): void;
  discard(): void;
  setServerProblems(problems: DraftProblems): void;
  /** Shows what is missing; true if nothing is. */
  check(): boolean;
}

function useDraftForm(): DraftForm {
  const kept = useDraft('registration', INITIAL_FORM);
  const { draft } = kept.value;
  const [checked, setChecked] = useState(false);
  const [serverProblems, setServerProblems] = useState<DraftProblems>({});
  const change = (wanted: Partial<DeviceDraft>): void => {
    setServerProblems({});
    kept.change((old) => changeForm(old, wanted));
  };
  const check = (): boolean => {
    setChecked(true);
    return Object.keys(draftProblems(draft)).length === 0;
  };
  const problems = { ...(checked ? draftProblems(draft) : {}), ...serverProblems };
  const discard = (): void => {
    setChecked(false);
    setServerProblems({});
    kept.discard();
  };
  return { draft, resumed: kept.resumed, problems, change, discard, setServerProblems, check };
}

/** A simulated device reaches the network only through a virtual gateway. */
function VirtualGatewayHint() {
  const ready = useWatch((state) =>
    state.links?.some((it) => it.link?.enabled === true && it.link.config.case === 'virtual'),
  );
  if (ready !== false) return null;
  return (
    <Alert color="yellow" variant="light" p="xs">
      <Text size="sm">
        A simulated device needs a virtual gateway to send through.{' '}
        <Anchor component={Link} href="/gateways" size="sm">
          Add one under Gateways
        </Anchor>{' '}
        before or after this.
      </Text>
    </Alert>
  );
}

function useRegistration(form: DraftForm) {
  const api = useApi();
  const [, navigate] = useLocation();
  return useAction(async () => {
    const { draft } = form;
    try {
      await api.registration.register({
        endDevice: draftToEndDevice(draft),
        simulate: draft.simulate,
      });
    } catch (error) {
      const problem = toProblem(error);
      const field = fieldOfPath(problem.field) ?? fieldOfError(problem.code);
      if (field !== undefined) form.setServerProblems({ [field]: problem.text });
      throw error;
    }
    form.discard();
    notifyDone(`${draft.deviceId} is registered`);
    navigate(`/devices/${draft.applicationId}/${draft.deviceId}`);
  });
}

function ActivationChoice({ draft, change }: DraftFieldsProps) {
  return (
    <SegmentedControl
      size="xs"
      value={draft.activation}
      aria-label="Activation"
      onChange={(activation) => change({ activation })}
      data={[
        { value: 'otaa' as const, label: 'OTAA, joins' },
        { value: 'abp' as const, label: 'ABP, fixed session' },
      ]}
    />
  );
}

interface SubmitRowProps {
  readonly busy: boolean;
  readonly incomplete: boolean;
  onDiscard(): void;
}

function SubmitRow({ busy, incomplete, onDiscard }: SubmitRowProps) {
  return (
    <Group justify="flex-end" gap="xs">
      {incomplete && (
        <Text size="sm" c="red" role="alert" mr="auto">
          Some fields need attention before the device can be registered.
        </Text>
      )}
      <Button component={Link} href="/devices" variant="default" onClick={onDiscard}>
        Cancel
      </Button>
      <Button type="submit" loading={busy} data-testid="register-submit">
        Register end device
      </Button>
    </Group>
  );
}

/** One form for all four registries: the server takes the device all or nothing. */
export function RegisterDevicePage() {
  const form = useDraftForm();
  const { draft, problems, change } = form;
  const register = useRegistration(form);
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (form.check()) void register.run();
  };
  const fields = { draft, problems, change };
  return (
    <Page
      title="Register an end device"
      note={form.resumed ? 'What you typed before is still here' : undefined}
      actions={
        form.resumed && (
          <Button size="xs" variant="default" onClick={form.discard}>
            Start over
          </Button>
        )
      }
    >
      <form onSubmit={onSubmit} noValidate>
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="md">
              <Panel title="Radio">
                <RadioFields {...fields} />
              </Panel>
              <Panel title="Identity">
                <IdentityFields {...fields} />
              </Panel>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="md">
              <Panel title="Activation" aside={<ActivationChoice {...fields} />}>
                <KeyFields {...fields} />
              </Panel>
              <Panel title="Payload">
                <FormatterFields {...fields} />
              </Panel>
            </Stack>
          </Grid.Col>
          <Grid.Col span={12}>
            <Stack gap="sm">
              {draft.simulate && <VirtualGatewayHint />}
              {register.problem !== undefined && (
                <ProblemAlert problem={register.problem} title="The device was not registered" />
              )}
              <SubmitRow
                busy={register.busy}
                onDiscard={form.discard}
                incomplete={Object.keys(problems).length > 0 && register.problem === undefined}
              />
            </Stack>
          </Grid.Col>
        </Grid>
      </form>
    </Page>
  );
}
