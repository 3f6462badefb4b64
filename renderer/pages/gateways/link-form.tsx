import { Alert, Button, Group, Modal, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Link, LinkStatus } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { useApi } from '../../client/api-context.ts';
import { FrequencyPlanSelect } from '../../components/frequency-plan-select.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';
import { AtModemFields } from './at-modem-fields.tsx';
import {
  draftFromLink,
  draftToLink,
  INITIAL_LINK,
  type LinkDraft,
  type LinkProblems,
  linkOnPort,
  linkProblems,
} from './link-draft.ts';
import { SemtechUdpFields } from './semtech-udp-fields.tsx';
import { VirtualFields } from './virtual-fields.tsx';

export interface LinkFieldsProps {
  readonly draft: LinkDraft;
  readonly problems: LinkProblems;
  change(change: Partial<LinkDraft>): void;
}

interface LinkFormProps {
  /** The link to change; a new one if undefined. */
  readonly link: Link | undefined;
  onClose(): void;
}

const KINDS: readonly { readonly value: LinkDraft['kind']; readonly label: string }[] = [
  { value: 'semtechUdp', label: 'Packet forwarder (UDP)' },
  { value: 'atModem', label: 'Serial modem' },
  { value: 'virtual', label: 'Virtual gateway' },
];

const PLAN_NOTES: Readonly<Record<LinkDraft['kind'], string>> = {
  semtechUdp: 'The channels its gateways listen on',
  atModem: 'The plan its channel belongs to',
  virtual: 'Optional; simulated devices bring their own',
};

function KindFields(props: LinkFieldsProps) {
  switch (props.draft.kind) {
    case 'semtechUdp':
      return <SemtechUdpFields {...props} />;
    case 'atModem':
      return <AtModemFields {...props} />;
    case 'virtual':
      return <VirtualFields />;
  }
}

function NameFields({ draft, problems, change }: LinkFieldsProps) {
  return (
    <Group grow align="end">
      <FrequencyPlanSelect
        value={draft.frequencyPlanId}
        error={problems.frequencyPlanId}
        description={PLAN_NOTES[draft.kind]}
        clearable={draft.kind !== 'atModem'}
        onChange={(frequencyPlanId) => change({ frequencyPlanId })}
      />
      <TextInput
        label="Name"
        placeholder="Optional"
        value={draft.name}
        error={problems.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
    </Group>
  );
}

/** Two listeners cannot share a port, and one serves any number of packet forwarders. */
function PortTaken({ holder, onChange }: { readonly holder: LinkStatus; onChange(): void }) {
  return (
    <Alert color="cyan" variant="light" p="xs" role="status" data-testid="port-taken">
      <Group justify="space-between" wrap="nowrap">
        <span>
          “{holder.link?.name}” has this port already, and serves any number of packet forwarders.
        </span>
        <Button size="compact-sm" variant="default" flex="none" onClick={onChange}>
          Change it instead
        </Button>
      </Group>
    </Alert>
  );
}

function FormBody({ link, onClose }: LinkFormProps) {
  const api = useApi();
  const links = useWatch((state) => state.links);
  const [changed, setChanged] = useState(link);
  const [draft, setDraft] = useState(link === undefined ? INITIAL_LINK : draftFromLink(link));
  const [checked, setChecked] = useState(false);
  const problems = checked ? linkProblems(draft) : {};
  const holder = linkOnPort(links ?? [], draft, changed);
  const change = (wanted: Partial<LinkDraft>): void => setDraft((old) => ({ ...old, ...wanted }));
  const changeHolder = (): void => {
    if (holder?.link === undefined) return;
    setChanged(holder.link);
    const { name, frequencyPlanId } = draftFromLink(holder.link);
    change({ name, frequencyPlanId: draft.frequencyPlanId || frequencyPlanId });
  };
  const save = useAction(async () => {
    if (changed === undefined) await api.links.create({ link: draftToLink(draft) });
    else await api.links.update({ link: draftToLink(draft, changed) });
    onClose();
  });
  const fields = { draft, problems, change };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (Object.keys(linkProblems(draft)).length === 0) void save.run();
      }}
    >
      <Stack gap="sm">
        {changed === undefined && (
          <SegmentedControl
            aria-label="Kind of gateway"
            value={draft.kind}
            onChange={(kind) => change({ kind })}
            data={[...KINDS]}
          />
        )}
        {holder !== undefined && <PortTaken holder={holder} onChange={changeHolder} />}
        <KindFields {...fields} />
        <NameFields {...fields} />
        {save.problem !== undefined && (
          <ProblemAlert problem={save.problem} title="That was not saved" />
        )}
        <Group justify="flex-end" gap="xs" mt="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.busy} data-testid="link-submit">
            {changed === undefined ? 'Add' : `Save “${changed.name}”`}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Adds or changes a way to hear and to transmit. */
export function LinkForm({ opened, ...props }: LinkFormProps & { readonly opened: boolean }) {
  return (
    <Modal
      opened={opened}
      onClose={props.onClose}
      title={props.link === undefined ? 'Connect a gateway' : `Settings of ${props.link.name}`}
      size={620}
      centered
    >
      {opened && <FormBody {...props} />}
    </Modal>
  );
}
