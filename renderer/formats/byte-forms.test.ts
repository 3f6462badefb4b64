import { expect, it } from 'vitest';
import { BYTE_FORMS, inByteForm } from './byte-forms.ts';
import { readIdentifier } from './identifier-reading.ts';

const EUI = Uint8Array.from([0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0x00, 0x12, 0x34]);

it('writes an EUI for labels, for the air and for firmware', () => {
  expect(BYTE_FORMS.map(({ form }) => inByteForm(EUI, form))).toEqual([
    '70B3D57ED0001234',
    '341200D07ED5B370',
    '{ 0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34 }',
    '{ 0x34, 0x12, 0x00, 0xD0, 0x7E, 0xD5, 0xB3, 0x70 }',
  ]);
});

it('writes forms that the registration form reads back', () => {
  for (const { form } of BYTE_FORMS) {
    const reading = readIdentifier(inByteForm(EUI, form), 8);
    expect(reading.kind === 'ok' && reading.looksLsb).toBe(form.endsWith('lsb'));
  }
});
