import { Group, SegmentedControl, Text } from '@mantine/core';
import { useState } from 'react';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { CopyButton } from '../../components/copy-value.tsx';
import { byteCount, toBase64, toHex, toText } from '../../formats/bytes.ts';
import classes from './inspector.module.css';

type Form = 'hex' | 'base64' | 'text';

function inForm(bytes: Uint8Array, form: Form): string {
  switch (form) {
    case 'hex':
      return toHex(bytes, ' ');
    case 'base64':
      return toBase64(bytes);
    case 'text':
      return toText(bytes);
  }
}

/** The application's part of a frame: decrypted bytes and what the formatter made of them. */
export function PayloadSection({ frame }: { readonly frame: Frame }) {
  const [form, setForm] = useState<Form>('hex');
  if (frame.frmPayload.length === 0) return null;
  const decoded =
    frame.decodedPayload === undefined ? undefined : JSON.stringify(frame.decodedPayload, null, 2);
  return (
    <section aria-label="Payload">
      <Group justify="space-between" mt={14} gap={6}>
        <Text size="sm" fw={560}>
          Decrypted FRMPayload, {byteCount(frame.frmPayload.length)}
        </Text>
        <Group gap={4}>
          <SegmentedControl
            size="xs"
            value={form}
            onChange={(value) => setForm(value)}
            data={[
              { value: 'hex' as const, label: 'Hex' },
              { value: 'base64' as const, label: 'Base64' },
              { value: 'text' as const, label: 'Text' },
            ]}
          />
          <CopyButton value={inForm(frame.frmPayload, form).trim()} label="payload" />
        </Group>
      </Group>
      <pre className={classes.code}>{inForm(frame.frmPayload, form)}</pre>
      {decoded !== undefined && (
        <>
          <Group justify="space-between" mt={10}>
            <Text size="sm" fw={560}>
              Decoded payload
            </Text>
            <CopyButton value={decoded} label="decoded payload" />
          </Group>
          <pre className={classes.code} data-testid="decoded-payload">
            {decoded}
          </pre>
        </>
      )}
      {frame.decodedPayloadWarnings.map((warning) => (
        <Text key={warning} size="xs" c="orange" mt={4}>
          {warning}
        </Text>
      ))}
    </section>
  );
}
