import { toJsonString } from '@bufbuild/protobuf';
import { ActionIcon, Anchor, Button, CloseButton, Menu, Text, Tooltip } from '@mantine/core';
import { IconArrowsUpDown, IconCopy } from '@tabler/icons-react';
import { Link } from 'wouter';
import { type Frame, FrameSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { copyText } from '../../components/copy-text.ts';
import { notifyDone } from '../../components/notify.tsx';
import { byteCount, toBase64, toHex } from '../../formats/bytes.ts';
import { frameSubject, frameTypeLabel, isUplink } from '../../formats/frame-words.ts';
import { formatAirtime, formatDataRate, formatFrequency } from '../../formats/radio.ts';
import { useWatch } from '../../state/watch-context.ts';
import classes from './inspector.module.css';

interface InspectorHeadProps {
  readonly frame: Frame | undefined;
  onSelect(id: bigint): void;
  onClose(): void;
}

const COPY_FORMS: readonly {
  readonly label: string;
  readonly make: (frame: Frame) => string;
}[] = [
  { label: 'PHYPayload as hex', make: (frame) => toHex(frame.phyPayload) },
  { label: 'PHYPayload as base64', make: (frame) => toBase64(frame.phyPayload) },
  { label: 'FRMPayload as hex', make: (frame) => toHex(frame.frmPayload) },
  {
    label: 'Frame as JSON',
    make: (frame) => toJsonString(FrameSchema, frame, { prettySpaces: 2, useProtoFieldName: true }),
  },
];

function CopyMenu({ frame }: { readonly frame: Frame }) {
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label="Copy as">
          <IconCopy size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {COPY_FORMS.map(({ label, make }) => (
          <Menu.Item
            key={label}
            onClick={() => {
              void copyText(make(frame)).then((done) => {
                if (done) notifyDone(`Copied: ${label}`);
              });
            }}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The other half of an exchange: the uplink a downlink answers, or the downlink that answered an uplink. */
function RelatedFrame({ frame, onSelect }: { readonly frame: Frame; onSelect(id: bigint): void }) {
  const answer = useWatch((state) => {
    if (!isUplink(frame)) return undefined;
    return state.frames.find((other) => other.uplinkFrameId === frame.id)?.id;
  });
  const related = isUplink(frame) ? answer : frame.uplinkFrameId;
  if (related === undefined || related === 0n) return null;
  return (
    <Button
      size="compact-xs"
      variant="subtle"
      leftSection={<IconArrowsUpDown size={14} />}
      onClick={() => onSelect(related)}
      data-testid="related-frame"
    >
      {isUplink(frame) ? 'Downlink that answered' : 'Uplink it answers'}
    </Button>
  );
}

function DeviceLink({ frame }: { readonly frame: Frame }) {
  const ids = frame.endDeviceIds;
  if (ids === undefined) {
    return (
      <Text size="sm" className="mono truncate">
        {frameSubject(frame)}
      </Text>
    );
  }
  return (
    <Anchor
      component={Link}
      href={`/devices/${ids.applicationIds?.applicationId ?? ''}/${ids.deviceId}`}
      size="sm"
      className="truncate"
    >
      {ids.deviceId}
    </Anchor>
  );
}

export function InspectorHead({ frame, onSelect, onClose }: InspectorHeadProps) {
  return (
    <div className={classes.head}>
      {frame !== undefined && (
        <>
          <Text size="sm" fw={600}>
            {frameTypeLabel(frame.fType)}
          </Text>
          <Tooltip label={`Frame ${frame.id}: a stable number to refer to`}>
            <Text size="xs" c="dimmed">
              #{String(frame.id)}
            </Text>
          </Tooltip>
          <DeviceLink frame={frame} />
          <Text size="xs" c="dimmed" className="truncate">
            {formatFrequency(frame.frequencyHz)} ·{' '}
            {formatDataRate(frame.dataRate, frame.dataRateIndex)} ·{' '}
            {byteCount(frame.phyPayload.length)}, {formatAirtime(frame.timeOnAirUs)} on air
          </Text>
        </>
      )}
      <span style={{ flex: 1 }} />
      {frame !== undefined && <RelatedFrame frame={frame} onSelect={onSelect} />}
      {frame !== undefined && <CopyMenu frame={frame} />}
      <CloseButton aria-label="Close the inspector" onClick={onClose} />
    </div>
  );
}
