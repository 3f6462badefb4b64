import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DissectionFieldSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { bitPattern, buildHexModel, nodeByKey } from './hex-model.ts';

const FIELDS = [
  create(DissectionFieldSchema, { name: 'mhdr', offset: 0, length: 1 }),
  create(DissectionFieldSchema, {
    name: 'fhdr',
    offset: 1,
    length: 7,
    children: [
      { name: 'devaddr', offset: 1, length: 4 },
      {
        name: 'fctrl',
        offset: 5,
        length: 1,
        children: [
          { name: 'adr', offset: 5, length: 1, bitMask: 0x80 },
          { name: 'foptslen', offset: 5, length: 1, bitMask: 0x0f },
        ],
      },
      { name: 'fcnt', offset: 6, length: 2 },
    ],
  }),
];

describe('buildHexModel', () => {
  const model = buildHexModel(FIELDS, 10);
  const nameOf = (byte: number) => model.nodes[model.ownerOfByte[byte] ?? -1]?.field.name;

  it('lists the tree depth first', () => {
    expect(model.nodes.map(({ field, depth }) => `${depth}${field.name}`)).toEqual([
      '0mhdr',
      '0fhdr',
      '1devaddr',
      '1fctrl',
      '2adr',
      '2foptslen',
      '1fcnt',
    ]);
  });

  it('gives each byte to the smallest whole field around it', () => {
    expect([0, 1, 4, 5, 6, 7].map(nameOf)).toEqual([
      'mhdr',
      'devaddr',
      'devaddr',
      'fctrl',
      'fcnt',
      'fcnt',
    ]);
    expect(model.ownerOfByte[8]).toBeUndefined();
  });

  it('leads the keys through the tree', () => {
    const lead = (from: number, key: string): string | undefined => {
      const index = nodeByKey(model, from, key);
      return index === undefined ? undefined : model.nodes[index]?.field.name;
    };
    expect(lead(0, 'ArrowDown')).toBe('fhdr');
    expect(lead(0, 'ArrowUp')).toBe('mhdr');
    expect(lead(1, 'ArrowRight')).toBe('devaddr');
    expect(lead(2, 'ArrowRight')).toBe('devaddr');
    expect(lead(4, 'ArrowLeft')).toBe('fctrl');
    expect(lead(4, 'End')).toBe(model.nodes.at(-1)?.field.name);
    expect(lead(4, 'Home')).toBe('mhdr');
    expect(lead(4, 'x')).toBeUndefined();
  });
});

describe('bitPattern', () => {
  it('writes the bits of the mask and dots elsewhere', () => {
    expect(bitPattern(Uint8Array.from([0x83]), 0x80)).toBe('1... ....');
    expect(bitPattern(Uint8Array.from([0x83]), 0x0f)).toBe('.... 0011');
    expect(bitPattern(Uint8Array.from([0x34, 0x12]), 0x0ff0)).toBe('.... 0010 0011 ....');
    expect(bitPattern(Uint8Array.from([1]), 0)).toBeUndefined();
  });
});
