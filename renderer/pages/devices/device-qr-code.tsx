import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconDownload, IconPrinter, IconQrcode } from '@tabler/icons-react';
import { useState } from 'react';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { CopyValue } from '../../components/copy-value.tsx';
import { Panel } from '../../components/panel.tsx';
import { ProblemAlert } from '../../components/problem-alert.tsx';
import { saveFile } from '../../components/save-file.ts';
import { SkeletonRows } from '../../components/skeleton-rows.tsx';
import { useLoad } from '../../state/use-load.ts';
import classes from './device-qr-code.module.css';
import { type DeviceDetails, endDeviceIds } from './use-device.ts';

/** Sharp on a label of 25 mm at 300 dpi, and twice as large as on screen. */
const PICTURE_PIXELS = 400;
const SHOWN_PIXELS = 200;

/** Forms a device can be written in; a bare DevEUI cannot be asked for. */
const FORMATS = [
  { value: 'tr005', label: 'LoRa Alliance TR005' },
  { value: 'tr005draft3', label: 'TR005, draft 3' },
  { value: 'tr005draft2', label: 'TR005, draft 2' },
];

async function generate(api: Api, details: DeviceDetails, formatId: string, signal: AbortSignal) {
  const ids = endDeviceIds(details);
  const device = await api.devices.get(
    { endDeviceIds: ids, fieldMask: { paths: ['ids', 'claim_authentication_code'] } },
    { signal },
  );
  const { text, image } = await api.qrCodes.generate(
    { formatId, endDevice: device, image: { imageSize: PICTURE_PIXELS } },
    { signal },
  );
  return { text, picture: new Uint8Array(image?.embedded?.data ?? []) };
}

/** A picture as an address; pages may show these, and none of blobs. */
function dataAddress(picture: Uint8Array): string {
  return `data:image/png;base64,${btoa(String.fromCharCode(...picture))}`;
}

function ShownCode({ details }: { readonly details: DeviceDetails }) {
  const api = useApi();
  const [formatId, setFormatId] = useState('tr005');
  const load = useLoad(
    `qr/${details.applicationId}/${details.deviceId}`,
    (signal) => generate(api, details, formatId, signal),
    formatId,
  );
  if (load.problem !== undefined) {
    return (
      <ProblemAlert problem={load.problem} title="There is no QR code" onRetry={load.reload} />
    );
  }
  if (load.data === undefined) return <SkeletonRows count={4} />;
  const { text, picture } = load.data;
  return (
    <Stack gap="sm" data-testid="qr-code">
      <Select
        size="xs"
        label="Form of the QR code"
        allowDeselect={false}
        data={FORMATS}
        value={formatId}
        onChange={(value) => setFormatId(value ?? formatId)}
      />
      <div className={classes.label}>
        <img
          src={dataAddress(picture)}
          width={SHOWN_PIXELS}
          height={SHOWN_PIXELS}
          alt={`QR code of ${details.deviceId}`}
        />
        <Text size="xs" ta="center" className="mono">
          {details.deviceId}
        </Text>
      </div>
      <CopyValue value={text} label="text of the QR code" wrap />
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} />}
          onClick={() => saveFile(`${details.deviceId}.png`, [new Blob([picture])])}
          data-testid="qr-save"
        >
          Save as PNG
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPrinter size={14} />}
          onClick={() => window.print()}
          data-testid="qr-print"
        >
          Print
        </Button>
      </Group>
    </Stack>
  );
}

/** The device's QR code, for its label; only devices that join have what it says. */
export function DeviceQrCode({ details }: { readonly details: DeviceDetails }) {
  const [shown, setShown] = useState(false);
  const { devEui, joinEui } = details.identity?.ids ?? {};
  if (!devEui || !joinEui || devEui.length === 0 || joinEui.length === 0) return null;
  return (
    <Panel
      title="QR code"
      aside={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconQrcode size={14} />}
          onClick={() => setShown((old) => !old)}
          data-testid="qr-show"
        >
          {shown ? 'Hide QR code' : 'Show QR code'}
        </Button>
      }
    >
      {shown ? (
        <ShownCode details={details} />
      ) : (
        <Text size="sm" c="dimmed">
          EUIs and, if there is one, the claim code, as labels of devices have them. Keys are not
          part of it.
        </Text>
      )}
    </Panel>
  );
}
