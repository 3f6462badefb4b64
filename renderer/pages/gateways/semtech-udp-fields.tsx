import { Alert, Group, NumberInput, Radio, Select, Stack, Text } from '@mantine/core';
import { IconShieldOff } from '@tabler/icons-react';
import { useState } from 'react';
import type { NetworkAddress } from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { useApi } from '../../client/api-context.ts';
import { CopyButton } from '../../components/copy-value.tsx';
import { useLoad } from '../../state/use-load.ts';
import { gatewayConf, LOOPBACK } from './link-draft.ts';
import type { LinkFieldsProps } from './link-form.tsx';

interface SnippetProps {
  readonly addresses: readonly Pick<NetworkAddress, 'address' | 'interface'>[];
  readonly port: number;
}

/** What goes into the packet forwarder's `global_conf.json` or `local_conf.json`. */
export function ConfSnippet({ addresses, port }: SnippetProps) {
  const [chosen, setChosen] = useState<string>();
  const known = addresses.find((it) => it.address === chosen) ?? addresses[0];
  const address = known?.address ?? LOOPBACK;
  const text = gatewayConf(address, port);
  return (
    <div>
      <Group justify="space-between" mb={4} wrap="nowrap">
        <Text size="sm">For the packet forwarder’s global_conf.json or local_conf.json</Text>
        <Group gap={6} wrap="nowrap">
          {addresses.length > 1 && (
            <Select
              size="xs"
              w={210}
              aria-label="Address of this computer"
              allowDeselect={false}
              value={address}
              onChange={(value) => setChosen(value ?? undefined)}
              data={addresses.map((it) => ({
                value: it.address,
                label: `${it.address} (${it.interface})`,
              }))}
            />
          )}
          <CopyButton value={text} label="configuration" />
        </Group>
      </Group>
      <pre
        className="mono"
        style={{
          margin: 0,
          padding: '8px 10px',
          fontSize: 12,
          maxHeight: 112,
          overflow: 'auto',
          border: '1px solid var(--line)',
          borderRadius: 4,
          background: 'var(--panel)',
        }}
      >
        {text}
      </pre>
    </div>
  );
}

function NetworkNotes({ port }: { readonly port: number }) {
  const api = useApi();
  const addresses = useLoad('network-addresses', (signal) =>
    api.links.listNetworkAddresses({}, { signal }),
  );
  const known = addresses.data?.addresses ?? [];
  return (
    <>
      <Alert color="yellow" variant="light" p="xs" icon={<IconShieldOff size={17} />}>
        The UDP protocol has no authentication: anyone on your network can pretend to be a gateway.
        Use it in networks you trust. A firewall here has to let UDP port {port} in.
      </Alert>
      {known.length > 0 ? (
        <ConfSnippet addresses={known} port={port} />
      ) : (
        <Text size="sm" c="dimmed">
          {addresses.problem?.text ??
            (addresses.loading
              ? 'Looking up the addresses of this computer…'
              : 'This computer has no network address at the moment. The listener waits for one.')}
        </Text>
      )}
    </>
  );
}

export function SemtechUdpFields({ draft, problems, change }: LinkFieldsProps) {
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="start" wrap="nowrap">
        <Radio.Group
          label="Where is the packet forwarder?"
          value={draft.reach}
          onChange={(reach) => change({ reach: reach === 'network' ? 'network' : 'computer' })}
        >
          <Stack gap={6} mt={6}>
            <Radio
              value="computer"
              label="On this computer"
              description="Listens on 127.0.0.1: nothing from outside gets in"
            />
            <Radio
              value="network"
              label="In my network"
              description="Listens on 0.0.0.0: all addresses of this computer"
            />
          </Stack>
        </Radio.Group>
        <NumberInput
          label="UDP port"
          w={130}
          min={0}
          max={65_535}
          allowDecimal={false}
          value={draft.port}
          error={problems.port}
          onChange={(port) => change({ port: Number(port) })}
        />
      </Group>
      {draft.reach === 'computer' ? (
        <ConfSnippet addresses={[{ address: LOOPBACK, interface: '' }]} port={draft.port} />
      ) : (
        <NetworkNotes port={draft.port} />
      )}
    </Stack>
  );
}
