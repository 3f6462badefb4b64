import { describe, expect, it } from 'vitest';
import { matchKey, SEQUENCE_MS, SHORTCUTS } from './shortcuts.ts';

describe('matchKey', () => {
  it('knows single keys and sequences', () => {
    expect(matchKey(undefined, { key: '?', atMs: 0 })).toEqual({
      kind: 'command',
      command: 'show-help',
    });
    const g = { key: 'g', atMs: 1_000 };
    expect(matchKey(undefined, g)).toEqual({ kind: 'begun' });
    expect(matchKey(g, { key: 'd', atMs: 1_200 })).toEqual({
      kind: 'command',
      command: 'show-devices',
    });
  });

  it('forgets a first key that is too long ago', () => {
    const g = { key: 'g', atMs: 0 };
    expect(matchKey(g, { key: 'd', atMs: SEQUENCE_MS + 1 })).toEqual({ kind: 'none' });
  });

  it('lets no shortcut stand in the way of another', () => {
    const texts = SHORTCUTS.map(({ keys }) => keys.join());
    expect(new Set(texts).size).toBe(texts.length);
    const first = SHORTCUTS.filter(({ keys }) => keys.length === 2).map(({ keys }) => keys[0]);
    const singles = SHORTCUTS.filter(({ keys }) => keys.length === 1).map(({ keys }) => keys[0]);
    expect(singles.filter((key) => first.includes(key))).toEqual([]);
  });
});
