import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../hex.ts';
import type { Direction } from '../identifiers.ts';
import vectors from '../testdata/mac-commands.json' with { type: 'json' };
import type { FieldSpec, FieldValue } from './fields.ts';
import {
  decodeMacCommands,
  encodeMacCommand,
  encodeMacCommands,
  MAC_COMMAND_ROWS,
  type MacCommand,
  type MacCommandRow,
  macCommandLayout,
  macCommandLength,
  macCommandRow,
  macCommandRowByName,
} from './index.ts';

interface Published {
  readonly name: string;
  readonly cid: number;
  readonly direction: Direction;
  readonly payloadBytes: number | null;
  readonly fields: readonly (readonly [name: string, bit: number, bits: number | null])[];
  readonly example?: { readonly hex: string; readonly fields: Readonly<Record<string, unknown>> };
}
const published = vectors as unknown as readonly Published[];

/** A value as the published examples write it. */
function plainValue(value: FieldValue | undefined): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Uint8Array ? formatHex(value).toLowerCase() : value;
}

describe('the table', () => {
  it.each(published)('describes $name', ({ name, cid, direction, payloadBytes, fields }) => {
    const row = macCommandRow(cid, direction)!;
    expect(row.name).toBe(name);
    expect(macCommandRowByName(row.name as MacCommand['name'])).toBe(row);
    if (payloadBytes !== null) expect(row.payloadBytes).toBe(payloadBytes);
    expect(row.fields.map(({ name, bit, bits }) => [name, bit, bits ?? null])).toEqual(fields);
  });

  it('has no other rows', () => {
    expect(MAC_COMMAND_ROWS.map((row) => row.name).sort()).toEqual(
      published.map((row) => row.name).sort(),
    );
  });
});

describe('published examples', () => {
  const examples = published.filter((row) => row.example);

  it.each(examples)('$name is read', ({ name, cid, direction, example }) => {
    const bytes = parseHex(example!.hex)!;
    const { commands, issues } = decodeMacCommands(bytes, direction);
    expect(issues).toEqual([]);
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatchObject({ name, cid, direction, offset: 0, length: bytes.length });
    const values = Object.entries(commands[0]!.fields as Record<string, FieldValue>);
    expect(Object.fromEntries(values.map(([key, value]) => [key, plainValue(value)]))).toEqual(
      example!.fields,
    );
  });

  it.each(examples)('$name is written', ({ direction, example }) => {
    const [command] = decodeMacCommands(parseHex(example!.hex)!, direction).commands;
    expect(formatHex(encodeMacCommand(command!))).toBe(example!.hex);
  });

  it('can stand one behind another', () => {
    const down = examples.filter((row) => row.direction === 'down');
    const bytes = parseHex(down.map((row) => row.example!.hex).join(''))!;
    const { commands, issues } = decodeMacCommands(bytes, 'down', { offset: 8 });
    expect(issues).toEqual([]);
    expect(commands.map((command) => command.name)).toEqual(down.map((row) => row.name));
    expect(commands[1]!.offset).toBe(8 + down[0]!.example!.hex.length / 2);
    expect(encodeMacCommands(commands)).toEqual(bytes);
  });
});

function anyValueOf(spec: FieldSpec): fc.Arbitrary<FieldValue> {
  const bits = spec.bits ?? 0;
  switch (spec.kind) {
    case 'flag':
      return fc.boolean();
    case 'int':
      return fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
    case 'frequency':
      return fc.nat(0xffffff).map((units) => units * 100);
    case 'offset':
      return fc.nat(2 ** bits - 1).map((raw) => (spec.origin ?? 0) + (spec.sign ?? 1) * raw);
    case 'devAddr':
      return fc
        .uint8Array({ minLength: 4, maxLength: 4 })
        .map((bytes) => formatHex(bytes) as never);
    case 'bytes':
      return fc.uint8Array({ minLength: bits / 8, maxLength: bits / 8 });
    case 'uint':
      return fc.integer({ min: 0, max: 2 ** bits - 1 });
  }
}

/** Any values of the fields; what says how many bytes follow agrees with them. */
function anyFieldsOf({ fields, extraBytesField }: MacCommandRow): fc.Arbitrary<object> {
  const values = (extraBytes: number) =>
    fc.record(
      Object.fromEntries(
        fields.map((spec) => {
          if (spec.name === extraBytesField) return [spec.name, fc.constant(extraBytes)];
          const isOpenEnded = spec.bits === undefined;
          return [spec.name, anyValueOf(isOpenEnded ? { ...spec, bits: 8 * extraBytes } : spec)];
        }),
      ),
    );
  const counter = fields.find(({ name }) => name === extraBytesField);
  return counter ? fc.nat(2 ** (counter.bits ?? 0) - 1).chain(values) : values(0);
}

/** LoRaWAN 1.1 §5 and 1.0.4 §5: 0x01 to 0x13 but for those that never were, and 0x20; TS011: relays. */
const CIDS = {
  up: [
    ...[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0f],
    ...[0x10, 0x11, 0x12, 0x13, 0x20, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46],
  ],
  down: [
    ...[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e],
    ...[0x0f, 0x10, 0x11, 0x12, 0x13, 0x20, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45],
  ],
} as const;

describe('any command', () => {
  it.each(['up', 'down'] as const)('is one of those of the specifications, %s', (direction) => {
    const cids = MAC_COMMAND_ROWS.filter((row) => row.direction === direction);
    expect(cids.map(({ cid }) => cid).sort((left, right) => left - right)).toEqual(CIDS[direction]);
  });

  it.each(MAC_COMMAND_ROWS)('$name comes back as it was written', (row) => {
    fc.assert(
      fc.property(anyFieldsOf(row), fc.constantFrom(100, 200), (fields, frequencyMultiplierHz) => {
        const options = { frequencyMultiplierHz };
        const inUnits = Object.entries(fields).map(([name, value]) => {
          const isFrequency = row.fields.some(
            (one) => one.name === name && one.kind === 'frequency',
          );
          return [name, isFrequency ? (value / 100) * frequencyMultiplierHz : value];
        });
        const command = { name: row.name, fields: Object.fromEntries(inUnits) } as MacCommand;
        const bytes = encodeMacCommand(command, options);
        if (row.extraBytesField === undefined)
          expect(bytes).toHaveLength(macCommandLength(command.name));
        const { commands, issues } = decodeMacCommands(bytes, row.direction, options);
        expect(issues).toEqual([]);
        expect(commands).toHaveLength(1);
        expect({ ...commands[0]!.fields }).toEqual({ ...command.fields });
      }),
      { numRuns: 300 },
    );
  });

  it('with a list of variable length comes back too', () => {
    const eui = Uint8Array.of(1, 2, 3);
    const command: MacCommand = {
      name: 'FilterListReq',
      fields: { euiLength: 3, action: 1, index: 9, eui },
    };
    const bytes = encodeMacCommands([command, { name: 'DevStatusReq', fields: {} }]);
    expect(bytes).toHaveLength(1 + 2 + 3 + 1);
    const { commands } = decodeMacCommands(bytes, 'down');
    expect(commands[0]).toMatchObject(command);
    expect(commands[1]).toMatchObject({ name: 'DevStatusReq', offset: 6 });
  });

  it('refuses values that do not fit', () => {
    const fields = { rx2DataRateIndex: 16, rx1DataRateOffset: 0, rx2FrequencyHz: 869_525_000 };
    expect(() => encodeMacCommand({ name: 'RxParamSetupReq', fields })).toThrow(RangeError);
    for (const marginDb of [32, -33, 0.5]) {
      const margin = { battery: 1, marginDb };
      expect(() => encodeMacCommand({ name: 'DevStatusAns', fields: margin })).toThrow(RangeError);
    }
    const beacon = { frequencyHz: 2_000_000_000 };
    expect(() => encodeMacCommand({ name: 'BeaconFreqReq', fields: beacon })).toThrow(RangeError);
  });

  it('uses the frequency step of the band', () => {
    const fields = { frequencyHz: 2_424_000_000 };
    const options = { frequencyMultiplierHz: 200 };
    const bytes = encodeMacCommand({ name: 'BeaconFreqReq', fields }, options);
    expect(decodeMacCommands(bytes, 'down', options).commands[0]).toMatchObject({ fields });
  });

  it('reads the margin of DevStatusAns as a signed number of six bits', () => {
    const read = (hex: string) => decodeMacCommands(parseHex(hex)!, 'up').commands[0];
    expect(read('06FF3F')).toMatchObject({ fields: { battery: 255, marginDb: -1 } });
    expect(read('060020')).toMatchObject({ fields: { battery: 0, marginDb: -32 } });
    expect(read('06001F')).toMatchObject({ fields: { marginDb: 31 } });
  });
});

describe('what cannot be read', () => {
  it('ends with an issue behind the commands before it', () => {
    const result = decodeMacCommands(parseHex('0603FF80AA')!, 'down', { offset: 8 });
    expect(result.commands.map(({ name }) => name)).toEqual(['DevStatusReq']);
    expect(result.issues).toMatchObject([{ offset: 9, length: 4, code: 'mac_command_too_short' }]);
    const unknown = decodeMacCommands(parseHex('0680AA')!, 'down');
    expect(unknown.issues).toMatchObject([{ offset: 1, length: 2, code: 'mac_command_unknown' }]);
    const other = decodeMacCommands(parseHex('0E0000')!, 'up');
    expect(other.issues).toMatchObject([{ offset: 0, length: 3, code: 'mac_command_direction' }]);
    expect(other.issues[0]!.message).toContain('ForceRejoinReq');
  });

  it('never throws and never loses a byte', () => {
    const direction = fc.constantFrom<Direction>('up', 'down');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), direction, (bytes, way) => {
        const { commands, issues } = decodeMacCommands(bytes, way);
        const read = commands.reduce((sum, command) => sum + command.length, 0);
        const unread = issues.reduce((sum, issue) => sum + issue.length, 0);
        if (read + unread !== bytes.length) throw new Error('bytes lost');
        const spans = macCommandLayout(bytes, way, { offset: 0, decrypted: false });
        const shown = spans.reduce((sum, span) => sum + span.length, 0);
        if (shown !== bytes.length) throw new Error('bytes not shown');
      }),
      { numRuns: 100_000 },
    );
  });
});

describe('the field tree', () => {
  it('shows a LinkADRReq down to its bits', () => {
    const bytes = parseHex('0350FF0001')!;
    const [span] = macCommandLayout(bytes, 'down', { offset: 8, decrypted: true });
    expect(span).toMatchObject({ label: 'LinkAdrReq', offset: 8, length: 5, decrypted: true });
    expect(
      span!.children.map(({ label, offset, length, bitMask, value }) => [
        label,
        offset,
        length,
        bitMask,
        value,
      ]),
    ).toEqual([
      ['CID', 8, 1, undefined, '0x03'],
      ['TXPower', 9, 1, 0x0f, '0'],
      ['DataRate', 9, 1, 0xf0, '5'],
      ['ChMask', 10, 2, undefined, '255'],
      ['NbTrans', 12, 1, 0x0f, '1'],
      ['ChMaskCntl', 12, 1, 0x70, '0'],
    ]);
  });

  it('says what values mean', () => {
    const show = (hex: string, direction: Direction) =>
      macCommandLayout(parseHex(hex)!, direction, { offset: 0, decrypted: false })[0]!.children.map(
        ({ value, text }) => text ?? value,
      );
    expect(show('0307', 'up')).toEqual(['LinkAdrAns', 'accepted', 'accepted', 'accepted']);
    expect(show('0500D2AD84', 'down')).toEqual(['RxParamSetupReq', '0', '0', '869.525 MHz']);
    expect(show('0935', 'down')).toEqual(['TxParamSetupReq', '16 dBm EIRP', 'on', 'on']);
    expect(show('060030', 'up')).toEqual(['DevStatusAns', 'external power', '-16 dB']);
  });

  it('never shows key material', () => {
    const update = published.find((row) => row.name === 'UpdateUplinkListReq')!.example!;
    const spans = macCommandLayout(parseHex(update.hex)!, 'down', { offset: 0, decrypted: true });
    expect(JSON.stringify(spans).toUpperCase()).not.toContain(
      String(update.fields.rootWorSKey).toUpperCase(),
    );
  });
});
