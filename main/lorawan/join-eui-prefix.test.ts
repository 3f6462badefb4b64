import { expect, test } from 'vitest';
import type { JoinEui } from './identifiers.ts';
import {
  formatJoinEuiPrefix,
  joinEuiPrefixContains,
  parseJoinEuiPrefix,
} from './join-eui-prefix.ts';

test.each([
  ['0000000000000000/0', 'FFFFFFFFFFFFFFFF', true],
  ['70B3D57ED0000000/36', '70B3D57ED0000000', true],
  ['70B3D57ED0000000/36', '70B3D57EDFFFFFFF', true],
  ['70B3D57ED0000000/36', '70B3D57EE0000000', false],
  ['70B3D57ED0000000/36', '70B3D57ECFFFFFFF', false],
  ['8000000000000000/1', '7FFFFFFFFFFFFFFF', false],
  ['70b3d57ed0001a2b/64', '70B3D57ED0001A2B', true],
  ['70B3D57ED0001A2B/64', '70B3D57ED0001A2A', false],
])('%s contains %s: %s', (text, joinEui, expected) => {
  const prefix = parseJoinEuiPrefix(text);
  if (!prefix) throw new Error('not read');
  expect(joinEuiPrefixContains(prefix, joinEui as JoinEui)).toBe(expected);
  expect(formatJoinEuiPrefix(prefix)).toBe(text.toUpperCase());
});

test.each([
  '',
  '70B3D57ED0000000',
  '70B3D57ED0000000/65',
  '70B3D57ED0000001/36',
  '70B3D57E/8',
  'x/0',
])('%j is no prefix', (text) => {
  expect(parseJoinEuiPrefix(text)).toBeUndefined();
});
