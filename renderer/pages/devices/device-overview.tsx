import { Anchor, Grid, Group, Stack, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ByteFormSelect, ByteValue } from '../../components/byte-value.tsx';
import { CopyValue } from '../../components/copy-value.tsx';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Panel } from '../../components/panel.tsx';
import { toHex } from '../../formats/bytes.ts';
import { isUplink } from '../../formats/frame-words.ts';
import { macVersionLabel, phyVersionLabel } from '../../formats/lorawan-versions.ts';
import { formatFrequency } from '../../formats/radio.ts';
import { clockTime, dateTime, timestampMs } from '../../formats/time.ts';
import { DeviceKeys } from './device-keys.tsx';
import { DeviceQrCode } from './device-qr-code.tsx';
import type { DeviceDetails } from './use-device.ts';

function byteFact(label: string, bytes: Uint8Array | undefined): Fact {
  return { label, value: <ByteValue bytes={bytes} label={label} /> };
}

function Identity({ details }: { readonly details: DeviceDetails }) {
  const { identity, network } = details;
  const createdMs = timestampMs(identity?.createdAt);
  return (
    <Panel title="Identity" aside={<ByteFormSelect />}>
      <Facts
        facts={[
          { label: 'Device id', value: <CopyValue value={details.deviceId} label="device id" /> },
          { label: 'Application', value: details.applicationId },
          byteFact('DevEUI', identity?.ids?.devEui),
          ...(network?.supportsJoin === false ? [] : [byteFact('JoinEUI', identity?.ids?.joinEui)]),
          { label: 'LoRaWAN', value: network ? macVersionLabel(network.lorawanVersion) : '–' },
          {
            label: 'Regional Parameters',
            value: network ? phyVersionLabel(network.lorawanPhyVersion) : '–',
          },
          { label: 'Frequency plan', value: network?.frequencyPlanId || '–' },
          { label: 'Registered', value: createdMs === undefined ? '–' : dateTime(createdMs) },
        ]}
      />
    </Panel>
  );
}

function counter(value: number | undefined, startedMs: number | undefined): string {
  return value === undefined || (startedMs === undefined && value === 0) ? '–' : String(value);
}

function macFacts(network: EndDevice): readonly Fact[] {
  const current = network.macState?.currentParameters;
  if (current === undefined) return [];
  return [
    {
      label: 'ADR',
      value: `DR${current.adrDataRateIndex}, power index ${current.adrTxPowerIndex}, ${current.adrNbTrans || 1}× sent`,
    },
    { label: 'RX1 delay', value: `${current.rx1Delay || 1} s` },
    {
      label: 'RX2',
      value: `DR${current.rx2DataRateIndex} · ${formatFrequency(current.rx2Frequency)}`,
    },
  ];
}

function Session({ details }: { readonly details: DeviceDetails }) {
  const { network, application } = details;
  const session = network?.session;
  if (network === undefined || session === undefined || session.devAddr.length === 0) {
    return (
      <Panel title="Session">
        <Text size="sm" c="dimmed">
          {network?.pendingSession === undefined
            ? network?.supportsJoin === false
              ? 'This ABP device has no session: register it again with its DevAddr and session keys.'
              : 'No session yet: the device has not joined. Its join request shows under Live data, with the cause if it is dropped.'
            : 'The join was accepted; the session begins with the first uplink.'}
        </Text>
      </Panel>
    );
  }
  const startedMs = timestampMs(session.startedAt);
  const battery = network.batteryPercentage;
  return (
    <Panel title="Session">
      <Facts
        facts={[
          byteFact('DevAddr', session.devAddr),
          { label: 'Started', value: startedMs === undefined ? '–' : dateTime(startedMs) },
          { label: 'Last FCntUp', value: counter(session.lastFCntUp, startedMs) },
          { label: 'Last NFCntDown', value: counter(session.lastNFCntDown, startedMs) },
          {
            label: 'Last AFCntDown',
            value: counter(application?.session?.lastAFCntDown, startedMs),
          },
          ...macFacts(network),
          ...(battery === undefined
            ? []
            : [{ label: 'Battery', value: `${Math.round(battery * 100)} %` }]),
        ]}
      />
    </Panel>
  );
}

function LatestUplink({ details }: { readonly details: DeviceDetails }) {
  const uplink = details.frames.find((frame) => isUplink(frame) && frame.frmPayload.length > 0);
  const ms = timestampMs(uplink?.time);
  return (
    <Panel
      title="Newest payload"
      aside={
        uplink !== undefined && (
          <Anchor component={Link} href={`/frames/${uplink.id}`} size="xs">
            Inspect the frame
          </Anchor>
        )
      }
    >
      {uplink === undefined ? (
        <Text size="sm" c="dimmed">
          No uplink with a payload among the newest frames.
        </Text>
      ) : (
        <Stack gap={6}>
          <Group gap="md">
            <Text size="sm" c="dimmed">
              {ms === undefined ? '' : clockTime(ms)} · FPort {uplink.fPort ?? '–'} · FCnt{' '}
              {uplink.fullFCnt ?? uplink.fCnt ?? '–'}
            </Text>
          </Group>
          <CopyValue
            value={toHex(uplink.frmPayload)}
            display={toHex(uplink.frmPayload, ' ')}
            label="payload"
          />
          {uplink.decodedPayload !== undefined && (
            <pre className="mono" style={{ margin: 0, fontSize: 12, whiteSpace: 'pre-wrap' }}>
              {JSON.stringify(uplink.decodedPayload, null, 2)}
            </pre>
          )}
        </Stack>
      )}
    </Panel>
  );
}

/** Who the device is and where its session stands. */
export function DeviceOverview({ details }: { readonly details: DeviceDetails }) {
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack gap="md">
          <Identity details={details} />
          <DeviceKeys details={details} />
          <DeviceQrCode details={details} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack gap="md">
          <Session details={details} />
          <LatestUplink details={details} />
        </Stack>
      </Grid.Col>
    </Grid>
  );
}
