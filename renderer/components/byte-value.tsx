import { Select, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { BYTE_FORMS, type ByteForm, inByteForm } from '../formats/byte-forms.ts';
import { CopyValue } from './copy-value.tsx';

/** The form chosen last, for all EUIs and keys of all pages. */
function useByteForm() {
  return useLocalStorage<ByteForm>({
    key: 'gatehouse.byte-form',
    defaultValue: 'msb',
    getInitialValueInEffect: false,
  });
}

/** Chooses how EUIs, addresses and keys are written and copied. */
export function ByteFormSelect() {
  const [form, setForm] = useByteForm();
  return (
    <Select
      size="xs"
      w={178}
      aria-label="Form of EUIs and keys"
      allowDeselect={false}
      value={form}
      onChange={(value) => {
        const chosen = BYTE_FORMS.find((known) => known.form === value);
        if (chosen !== undefined) setForm(chosen.form);
      }}
      data={BYTE_FORMS.map((known) => ({ value: known.form, label: known.label }))}
      data-testid="byte-form"
    />
  );
}

interface ByteValueProps {
  readonly bytes: Uint8Array | undefined;
  readonly label: string;
}

/** An EUI, an address or a key in the chosen form, with a button that copies it so. */
export function ByteValue({ bytes, label }: ByteValueProps) {
  const [form] = useByteForm();
  if (bytes === undefined || bytes.length === 0) return <Text size="sm">–</Text>;
  return <CopyValue value={inByteForm(bytes, form)} label={label} wrap />;
}
