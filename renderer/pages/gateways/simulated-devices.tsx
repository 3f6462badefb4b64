import { ActionIcon, Badge, Button, Group, Menu, Table, Text, Tooltip } from '@mantine/core';
import { IconBug, IconSend, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { SimulatedDevice } from '../../../main/api/gen/gatehouse/v1/simulator_pb.js';
import { useApi } from '../../client/api-context.ts';
import { ConfirmModal } from '../../components/confirm-modal.tsx';
import { notifyProblem } from '../../components/notify.tsx';
import { Panel } from '../../components/panel.tsx';
import { StatusDot } from '../../components/status-dot.tsx';
import { toHex } from '../../formats/bytes.ts';
import { useAction } from '../../state/use-action.ts';
import { useWatch } from '../../state/watch-context.ts';

const FAULTS = [
  { fault: 'bad_mic', label: 'With a wrong MIC' },
  { fault: 'replay', label: 'The last frame once more (replay)' },
  { fault: 'skip_counters', label: 'With a gap in FCnt' },
  { fault: 'reset_counters', label: 'With FCnt 0 again' },
  { fault: 'wrong_region', label: 'On a channel of another region' },
  { fault: 'unknown_mac_command', label: 'With an unknown MAC command' },
  { fault: 'lose_downlinks', label: 'And miss the next downlink' },
];

const STATE_COLORS: Readonly<Record<string, string>> = {
  joined: 'teal',
  joining: 'blue',
  idle: 'gray',
};

/** Runs a command and shows its failure; success shows itself in the frames. */
function useCommand() {
  return useAction(async (command: () => Promise<unknown>) => {
    try {
      await command();
    } catch (error) {
      notifyProblem(error);
    }
  });
}

function StopSimulating({ id, name }: { readonly id: string; readonly name: string }) {
  const api = useApi();
  const [opened, setOpened] = useState(false);
  const stop = useAction(() => api.simulator.delete({ id }));
  const onConfirm = async (): Promise<void> => {
    if (await stop.run()) setOpened(false);
  };
  return (
    <>
      <Tooltip label="Stop simulating this device; its registration stays">
        <ActionIcon
          variant="subtle"
          color="red"
          aria-label={`Stop simulating ${name}`}
          onClick={() => setOpened(true)}
        >
          <IconTrash size={16} />
        </ActionIcon>
      </Tooltip>
      <ConfirmModal
        opened={opened}
        title="Stop simulating this device?"
        action="Stop simulating"
        busy={stop.busy}
        problem={stop.problem}
        onConfirm={() => void onConfirm()}
        onClose={() => setOpened(false)}
      >
        <b>{name}</b> sends nothing any more, and its counters and settings as a simulated device
        are lost. Its registration and the frames recorded so far stay.
      </ConfirmModal>
    </>
  );
}

function DeviceActions({ device }: { readonly device: SimulatedDevice }) {
  const api = useApi();
  const command = useCommand();
  const id = device.config?.id ?? '';
  const name = device.config?.name || id;
  const otaa = (device.config?.joinEui.length ?? 0) > 0 || device.state !== 'joined';
  const send = (fault: string): void => {
    void command.run(() => api.simulator.sendUplink({ id, fault }));
  };
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      {otaa && (
        <Button
          size="compact-xs"
          variant="default"
          disabled={command.busy}
          onClick={() => void command.run(() => api.simulator.join({ id }))}
        >
          Join now
        </Button>
      )}
      <Button
        size="compact-xs"
        variant="default"
        leftSection={<IconSend size={13} />}
        disabled={command.busy || device.state !== 'joined'}
        onClick={() => send('')}
        data-testid="simulated-send"
      >
        Send uplink
      </Button>
      <Menu position="bottom-end" withArrow>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            disabled={device.state !== 'joined'}
            aria-label={`Send a faulty uplink from ${name}`}
          >
            <IconBug size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Send a faulty uplink</Menu.Label>
          {FAULTS.map(({ fault, label }) => (
            <Menu.Item key={fault} onClick={() => send(fault)}>
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <StopSimulating id={id} name={name} />
    </Group>
  );
}

function intervalText(seconds: number): string {
  return seconds === 0 ? 'on demand' : `every ${seconds} s`;
}

function SimulatedRow({ device }: { readonly device: SimulatedDevice }) {
  const { config } = device;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={7} wrap="nowrap">
          <span className="truncate" title={config?.id}>
            {config?.name || config?.id}
          </span>
          {config?.demo === true && (
            <Badge size="xs" color="grape" variant="light" radius="sm">
              Demo
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <Group gap={7} wrap="nowrap">
          <StatusDot color={STATE_COLORS[device.state] ?? 'gray'} />
          <span>{device.state}</span>
        </Group>
        {device.state !== 'joined' && device.lastError !== '' && (
          <Text size="xs" c="dimmed" mt={2}>
            {device.lastError}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="mono">{toHex(device.devAddr) || '–'}</Table.Td>
      <Table.Td>{intervalText(config?.intervalS ?? 0)}</Table.Td>
      <Table.Td className="mono">
        {String(device.sentCount)} / {String(device.receivedCount)}
      </Table.Td>
      <Table.Td>
        <DeviceActions device={device} />
      </Table.Td>
    </Table.Tr>
  );
}

/** Devices that exist only in this program. */
export function SimulatedDevices() {
  const devices = useWatch((state) => state.simulatedDevices);
  if (devices === undefined) return null;
  return (
    <Panel title="Simulated devices">
      {devices.length === 0 ? (
        <Group gap="xs">
          <Text size="sm" c="dimmed">
            None. A simulated device sends without hardware through a virtual gateway.
          </Text>
          <Button component={Link} href="/devices/register" size="compact-xs" variant="default">
            Register and simulate one
          </Button>
        </Group>
      ) : (
        <Table layout="fixed" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Device</Table.Th>
              <Table.Th w={210}>State</Table.Th>
              <Table.Th w={100}>DevAddr</Table.Th>
              <Table.Th w={110}>Sends</Table.Th>
              <Table.Th w={130}>Sent / received</Table.Th>
              <Table.Th w={290} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {devices.map((device) => (
              <SimulatedRow key={device.config?.id} device={device} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  );
}
