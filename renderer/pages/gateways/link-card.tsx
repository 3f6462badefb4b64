import {
  ActionIcon,
  Alert,
  Badge,
  Group,
  Paper,
  Switch,
  Text,
  Title,
  Tooltip,
} from '@mantine/core';
import { IconAlertTriangle, IconSettings, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import {
  type Link,
  LinkPhase,
  type LinkStatus,
} from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { useApi } from '../../client/api-context.ts';
import { ConfirmModal } from '../../components/confirm-modal.tsx';
import { notifyProblem } from '../../components/notify.tsx';
import { codeInWords } from '../../formats/frame-words.ts';
import {
  frameAge,
  linkActivity,
  linkKind,
  phaseWords,
  statisticsAge,
} from '../../formats/link-words.ts';
import { formatFrequency } from '../../formats/radio.ts';
import { useAction } from '../../state/use-action.ts';
import { useNow } from '../../state/use-now.ts';
import { useWatch } from '../../state/watch-context.ts';
import { GatewayTable } from './gateway-table.tsx';

/** The listener every workspace has: it can be switched off, and would come back if it were removed. */
const BUILT_IN = 'udp';

interface LinkCardProps {
  readonly status: LinkStatus;
  onEdit(): void;
}

function RemoveLink({ link }: { readonly link: Link }) {
  const api = useApi();
  const [opened, setOpened] = useState(false);
  const remove = useAction(() => api.links.delete({ id: link.id }));
  const onConfirm = async (): Promise<void> => {
    if (await remove.run()) setOpened(false);
  };
  return (
    <>
      <Tooltip label="Remove">
        <ActionIcon
          variant="subtle"
          color="red"
          aria-label={`Remove ${link.name}`}
          onClick={() => setOpened(true)}
        >
          <IconTrash size={16} />
        </ActionIcon>
      </Tooltip>
      <ConfirmModal
        opened={opened}
        title="Remove this link?"
        action="Remove"
        busy={remove.busy}
        problem={remove.problem}
        onConfirm={() => void onConfirm()}
        onClose={() => setOpened(false)}
      >
        Gatehouse stops hearing and transmitting over <b>{link.name}</b>. Frames recorded so far and
        registered gateways stay.
      </ConfirmModal>
    </>
  );
}

function LinkActions({ status, onEdit }: LinkCardProps) {
  const api = useApi();
  const { link } = status;
  const toggle = useAction(async (enabled: boolean) => {
    if (link === undefined) return;
    try {
      await api.links.update({ link: { ...link, enabled } });
    } catch (error) {
      notifyProblem(error);
    }
  });
  if (link === undefined) return null;
  return (
    <Group gap={6} wrap="nowrap">
      <Switch
        size="sm"
        aria-label={`${link.name} is on`}
        checked={link.enabled}
        disabled={toggle.busy}
        onChange={(event) => void toggle.run(event.currentTarget.checked)}
      />
      <Tooltip label="Settings">
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`Settings of ${link.name}`}
          onClick={onEdit}
        >
          <IconSettings size={16} />
        </ActionIcon>
      </Tooltip>
      {link.id !== BUILT_IN && <RemoveLink link={link} />}
    </Group>
  );
}

function channelText(status: LinkStatus): string {
  const config = status.link?.config;
  if (config?.case !== 'atModem') return '';
  const { frequencyHz, spreadingFactor, bandwidthHz } = config.value;
  return `${formatFrequency(frequencyHz)} SF${spreadingFactor}BW${bandwidthHz / 1000}`;
}

function Activity({ status }: { readonly status: LinkStatus }) {
  const nowMs = useNow();
  const heardMs = useWatch((state) => state.lastFrameMsByLink[status.link?.id ?? '']);
  const { lastFrameMs, lastStatusMs } = linkActivity(status, heardMs);
  const parts = [
    linkKind(status),
    status.address,
    channelText(status),
    status.link?.frequencyPlanId,
    frameAge(lastFrameMs, nowMs),
    status.link?.config.case === 'semtechUdp' ? statisticsAge(lastStatusMs, nowMs) : '',
  ];
  return (
    <Text size="xs" c="dimmed">
      {parts.filter((part) => part !== '' && part !== undefined).join(' · ')}
    </Text>
  );
}

function Cause({ status }: { readonly status: LinkStatus }) {
  if (status.causeText === '') return null;
  const color = status.phase === LinkPhase.FAILED ? 'red' : 'yellow';
  return (
    <Alert color={color} variant="light" p="xs" mt="xs" icon={<IconAlertTriangle size={17} />}>
      {status.causeText}
    </Alert>
  );
}

function malformedText(status: LinkStatus): string {
  return Object.entries(status.malformed)
    .map(([code, count]) => `${codeInWords(code)}: ${count}`)
    .join(' · ');
}

/** One link with its state in words and the gateways behind it. */
export function LinkCard({ status, onEdit }: LinkCardProps) {
  const { label, color } = phaseWords(status.phase);
  const malformed = malformedText(status);
  return (
    <Paper withBorder p="md" component="section" data-testid="link-card">
      <Group justify="space-between" wrap="nowrap" align="start">
        <div style={{ minWidth: 0 }}>
          <Group gap={8} mb={2}>
            <Title order={2} fz={15} className="truncate" title={status.link?.name}>
              {status.link?.name}
            </Title>
            <Badge color={color} variant="light" radius="sm">
              {label}
            </Badge>
            {status.link?.config.case === 'atModem' && (
              <Badge color="grape" variant="light" radius="sm">
                Experimental
              </Badge>
            )}
            {status.singleChannel && (
              <Badge variant="default" radius="sm">
                One channel
              </Badge>
            )}
            {status.link?.demo === true && (
              <Badge color="grape" variant="light" radius="sm">
                Demo
              </Badge>
            )}
          </Group>
          <Activity status={status} />
        </div>
        <LinkActions status={status} onEdit={onEdit} />
      </Group>
      <Cause status={status} />
      <GatewayTable status={status} />
      {malformed !== '' && (
        <Text size="xs" c="orange" mt={6}>
          Input that could not be used: {malformed}
        </Text>
      )}
    </Paper>
  );
}
