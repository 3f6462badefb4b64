import { toHex } from './bytes.ts';

/** How an EUI, an address or a key is written: firmware wants other forms than a label has. */
export type ByteForm = 'msb' | 'lsb' | 'c-msb' | 'c-lsb';

export const BYTE_FORMS: readonly { readonly form: ByteForm; readonly label: string }[] = [
  { form: 'msb', label: 'As printed (MSB)' },
  { form: 'lsb', label: 'As transmitted (LSB)' },
  { form: 'c-msb', label: 'C array, MSB first' },
  { form: 'c-lsb', label: 'C array, LSB first' },
];

function cArray(bytes: Uint8Array): string {
  return `{ ${Array.from(bytes, (byte) => `0x${toHex(Uint8Array.of(byte))}`).join(', ')} }`;
}

/** Bytes, most significant first, in one of the forms. */
export function inByteForm(bytes: Uint8Array, form: ByteForm): string {
  switch (form) {
    case 'msb':
      return toHex(bytes);
    case 'lsb':
      return toHex(bytes.toReversed());
    case 'c-msb':
      return cArray(bytes);
    case 'c-lsb':
      return cArray(bytes.toReversed());
  }
}
