import { Button, Group, Text } from '@mantine/core';
import { IconEye, IconEyeOff } from '@tabler/icons-react';
import { useState } from 'react';
import type { Session } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { RootKeys } from '../../../main/api/gen/ttn/lorawan/v3/keys_pb.js';
import { MACVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { ByteFormSelect, ByteValue } from '../../components/byte-value.tsx';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { timestampMs } from '../../formats/time.ts';
import { useLoad } from '../../state/use-load.ts';
import { type DeviceDetails, endDeviceIds } from './use-device.ts';

interface DeviceKeySet {
  readonly root: RootKeys | undefined;
  readonly network: Session | undefined;
  readonly application: Session | undefined;
}

async function loadKeys(
  api: Api,
  details: DeviceDetails,
  signal: AbortSignal,
): Promise<DeviceKeySet> {
  const request = (...paths: string[]) => ({
    endDeviceIds: endDeviceIds(details),
    fieldMask: { paths },
  });
  const otaa = details.network?.supportsJoin !== false;
  const [join, network, application] = await Promise.all([
    otaa ? api.jsDevices.get(request('root_keys'), { signal }) : undefined,
    api.nsDevices.get(request('session.keys'), { signal }),
    api.asDevices.get(request('session.keys'), { signal }),
  ]);
  return { root: join?.rootKeys, network: network.session, application: application.session };
}

function keyFact(label: string, key: Uint8Array | undefined): readonly Fact[] {
  if (key === undefined || key.length === 0) return [];
  return [{ label, value: <ByteValue bytes={key} label={label} /> }];
}

/** Before 1.1 one network session key plays all three parts, and is called so. */
function sessionFacts({ network, application }: DeviceKeySet, v11: boolean): readonly Fact[] {
  const keys = network?.keys;
  return [
    ...keyFact(v11 ? 'FNwkSIntKey' : 'NwkSKey', keys?.fNwkSIntKey?.key),
    ...(v11 ? keyFact('SNwkSIntKey', keys?.sNwkSIntKey?.key) : []),
    ...(v11 ? keyFact('NwkSEncKey', keys?.nwkSEncKey?.key) : []),
    ...keyFact('AppSKey', application?.keys?.appSKey?.key),
  ];
}

function ShownKeys({ details }: { readonly details: DeviceDetails }) {
  const api = useApi();
  const startedMs = timestampMs(details.network?.session?.startedAt);
  const load = useLoad(
    `keys/${details.applicationId}/${details.deviceId}`,
    (signal) => loadKeys(api, details, signal),
    String(startedMs),
  );
  if (load.problem !== undefined) {
    return (
      <ProblemAlert problem={load.problem} title="The keys cannot be shown" onRetry={load.reload} />
    );
  }
  if (load.data === undefined) return <SkeletonRows count={3} />;
  const { root } = load.data;
  const v11 = details.network?.lorawanVersion === MACVersion.MAC_V1_1;
  const session = sessionFacts(load.data, v11);
  return (
    <div data-testid="device-keys">
      <Facts
        facts={[
          ...keyFact('AppKey', root?.appKey?.key),
          ...keyFact('NwkKey', root?.nwkKey?.key),
          ...session,
        ]}
      />
      {session.length === 0 && (
        <Text size="xs" c="dimmed" mt={6}>
          Session keys come into being when the device joins.
        </Text>
      )}
    </div>
  );
}

/** Root keys and session keys, kept back until asked for and forgotten with the page. */
export function DeviceKeys({ details }: { readonly details: DeviceDetails }) {
  const [shown, setShown] = useState(false);
  return (
    <Panel
      title="Keys"
      aside={
        <Group gap="xs" wrap="nowrap">
          {shown && <ByteFormSelect />}
          <Button
            size="xs"
            variant="default"
            leftSection={shown ? <IconEyeOff size={14} /> : <IconEye size={14} />}
            onClick={() => setShown((old) => !old)}
            data-testid="reveal-keys"
          >
            {shown ? 'Hide keys' : 'Show keys'}
          </Button>
        </Group>
      }
    >
      {shown ? (
        <ShownKeys details={details} />
      ) : (
        <Text size="sm" c="dimmed">
          {details.network?.supportsJoin === false
            ? 'The session keys are kept back until asked for.'
            : 'Root keys and session keys are kept back until asked for.'}
        </Text>
      )}
    </Panel>
  );
}
