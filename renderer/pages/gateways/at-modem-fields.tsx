import {
  ActionIcon,
  Alert,
  Autocomplete,
  Badge,
  Group,
  Select,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import type { SerialPort } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { useApi } from '../../client/api-context.ts';
import { useLoad } from '../../state/use-load.ts';
import type { LinkFieldsProps } from './link-form.tsx';

function portNote(port: SerialPort): string {
  const usb = port.vendorId === '' ? '' : `USB ${port.vendorId}:${port.productId}`;
  const guess =
    port.suggestion === '' ? '' : `${port.ambiguous ? 'perhaps ' : ''}${port.suggestion}`;
  return [guess, port.manufacturer, usb, port.serialNumber].filter((it) => it !== '').join(' · ');
}

/** A port from the list or a typed path; a failing list never stands in the way. */
function PortField({ draft, problems, change }: LinkFieldsProps) {
  const api = useApi();
  const ports = useLoad('serial-ports', (signal) => api.links.listSerialPorts({}, { signal }));
  const known = ports.data?.ports ?? [];
  const chosen = known.find(({ path }) => path === draft.path);
  const failure = ports.problem?.text ?? ports.data?.failureText ?? '';
  return (
    <div>
      <Group gap="xs" align="end" wrap="nowrap">
        <Autocomplete
          flex={1}
          label="Serial port"
          placeholder="/dev/ttyUSB0 or COM3"
          value={draft.path}
          error={problems.path}
          onChange={(path) => change({ path })}
          data={[...new Set(known.map(({ path }) => path))]}
          renderOption={({ option }) => {
            const port = known.find(({ path }) => path === option.value);
            return (
              <div>
                <Text size="sm">{option.value}</Text>
                {port !== undefined && (
                  <Text size="xs" c="dimmed">
                    {portNote(port)}
                  </Text>
                )}
              </div>
            );
          }}
        />
        <Tooltip label="Look for ports again">
          <ActionIcon
            variant="default"
            size={34}
            loading={ports.loading}
            aria-label="Look for ports again"
            onClick={ports.reload}
          >
            <IconRefresh size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
      <Text size="xs" c={failure === '' ? 'dimmed' : 'orange'} mt={3} mih={18}>
        {failure !== ''
          ? `${failure} A typed path works all the same.`
          : chosen !== undefined
            ? portNote(chosen)
            : ports.data !== undefined && known.length === 0
              ? 'No serial port was found. Plug the modem in and look again, or type its path.'
              : ''}
      </Text>
    </div>
  );
}

const BAUD_RATES = ['9600', '19200', '38400', '57600', '115200'];
const SPREADING_FACTORS = ['7', '8', '9', '10', '11', '12'];
const BANDWIDTHS = [
  { value: '125000', label: '125 kHz' },
  { value: '250000', label: '250 kHz' },
  { value: '500000', label: '500 kHz' },
];

export function AtModemFields(props: LinkFieldsProps) {
  const { draft, problems, change } = props;
  return (
    <Stack gap="sm">
      <Alert color="grape" variant="light" p="xs">
        <Group gap="xs" wrap="nowrap" align="start">
          <Badge color="grape" radius="sm" variant="filled" flex="none">
            Experimental
          </Badge>
          <Text size="sm">
            A LoRa modem with test commands (LoRa-E5) hears one channel at one data rate. Set the
            device to that channel; frames on others pass unheard.
          </Text>
        </Group>
      </Alert>
      <PortField {...props} />
      <Group grow align="start">
        <TextInput
          label="Frequency in MHz"
          value={draft.frequencyMhz}
          error={problems.frequencyMhz}
          onChange={(event) => change({ frequencyMhz: event.currentTarget.value })}
        />
        <Select
          label="Spreading factor"
          allowDeselect={false}
          value={String(draft.spreadingFactor)}
          onChange={(value) => change({ spreadingFactor: Number(value) })}
          data={SPREADING_FACTORS.map((value) => ({ value, label: `SF${value}` }))}
        />
        <Select
          label="Bandwidth"
          allowDeselect={false}
          value={String(draft.bandwidthHz)}
          onChange={(value) => change({ bandwidthHz: Number(value) })}
          data={BANDWIDTHS}
        />
        <Select
          label="Baud rate"
          allowDeselect={false}
          value={String(draft.baudRate)}
          onChange={(value) => change({ baudRate: Number(value) })}
          data={BAUD_RATES}
        />
      </Group>
    </Stack>
  );
}
