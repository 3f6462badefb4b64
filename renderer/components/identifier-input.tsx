import { ActionIcon, Button, Group, Text, TextInput, Tooltip } from '@mantine/core';
import { IconArrowsLeftRight, IconDice5 } from '@tabler/icons-react';
import { toHex } from '../formats/bytes.ts';
import {
  type IdentifierReading,
  readIdentifier,
  reversedHex,
} from '../formats/identifier-reading.ts';

interface IdentifierInputProps {
  readonly label: string;
  readonly value: string;
  readonly lengthBytes: number;
  readonly description?: string;
  /** Problem from the form or the server; goes before what the field itself says. */
  readonly error?: string | undefined;
  readonly required?: boolean;
  /** Offers a button that fills in a value. */
  readonly generate?: () => Uint8Array;
  readonly generateLabel?: string;
  /** Whether byte order matters to the user: true for EUIs, not for keys. */
  readonly ordered?: boolean;
  onChange(value: string): void;
}

function groups(hex: string): string {
  return hex.match(/../g)?.join(' ') ?? '';
}

interface HintProps {
  readonly reading: IdentifierReading;
  readonly ordered: boolean;
  onReverse(hex: string): void;
}

/** How the text was read; nothing is guessed silently. */
function ReadingHint({ reading, ordered, onReverse }: HintProps) {
  if (reading.kind !== 'ok') {
    return (
      <Text size="xs" c="dimmed">
        {reading.kind === 'error' ? reading.message : 'Any notation: digits, separators, 0x lists'}
      </Text>
    );
  }
  if (reading.looksLsb && ordered) {
    return (
      <Group gap={6} wrap="nowrap">
        <Text size="xs" c="orange">
          Looks as transmitted (LSB). As printed:{' '}
          <span className="mono">{groups(reversedHex(reading.bytes))}</span>
        </Text>
        <Button
          size="compact-xs"
          variant="light"
          color="orange"
          onClick={() => onReverse(reversedHex(reading.bytes))}
        >
          Reverse bytes
        </Button>
      </Group>
    );
  }
  return (
    <Text size="xs" c="dimmed" className="truncate">
      Read as <span className="mono">{groups(reading.hex)}</span>
      {ordered ? ', as printed (MSB)' : ''}
    </Text>
  );
}

/** A field for an EUI, DevAddr or key that takes any notation and shows how it was understood. */
export function IdentifierInput(props: IdentifierInputProps) {
  const reading = readIdentifier(props.value, props.lengthBytes);
  const ordered = props.ordered ?? true;
  const onBlur = (): void => {
    if (reading.kind === 'ok' && props.value !== reading.hex) props.onChange(reading.hex);
  };
  return (
    <div>
      <TextInput
        label={props.label}
        description={props.description}
        value={props.value}
        error={props.error}
        required={props.required ?? false}
        withAsterisk={false}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        onBlur={onBlur}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: 'mono' }}
        rightSectionWidth={
          ordered && reading.kind === 'ok' && props.generate !== undefined ? 60 : 34
        }
        rightSection={
          <Group gap={2} wrap="nowrap">
            {ordered && reading.kind === 'ok' && (
              <Tooltip label="Reverse bytes: as printed (MSB) ↔ as transmitted (LSB)">
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Reverse bytes of ${props.label}`}
                  onClick={() => props.onChange(reversedHex(reading.bytes))}
                >
                  <IconArrowsLeftRight size={15} />
                </ActionIcon>
              </Tooltip>
            )}
            {props.generate !== undefined && (
              <Tooltip label={props.generateLabel ?? 'Generate'}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Generate ${props.label}`}
                  onClick={() => props.onChange(toHex(props.generate?.() ?? new Uint8Array()))}
                >
                  <IconDice5 size={16} />
                </ActionIcon>
              </Tooltip>
            )}
          </Group>
        }
      />
      <div style={{ minHeight: 30, paddingTop: 3 }}>
        {(props.error === undefined || reading.kind === 'ok') && (
          <ReadingHint reading={reading} ordered={ordered} onReverse={props.onChange} />
        )}
      </div>
    </div>
  );
}
