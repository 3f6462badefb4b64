import { describe, expect, it } from 'vitest';
import { CannotSplit, type FilePart, partsOfFile } from './file-parts.ts';

const MOST = 120;

async function split(text: string, isCsv: boolean): Promise<FilePart[]> {
  const parts: FilePart[] = [];
  for await (const part of partsOfFile(new Blob([text]), isCsv, MOST)) parts.push(part);
  for (const { data } of parts) expect(data.length).toBeLessThanOrEqual(MOST);
  return parts;
}
const textOf = ({ data }: FilePart): string => new TextDecoder().decode(data);

/** Each row with its line, as the server would tell it, put back into the whole file. */
function numbered(
  parts: readonly FilePart[],
  isCsv: boolean,
): readonly (readonly [number, string])[] {
  return parts.flatMap((part) => {
    const lines = textOf(part).split('\n');
    return lines.flatMap((line, at) =>
      line === '' || (isCsv && at === 0) ? [] : [[at + 1 + part.lineOffset, line] as const],
    );
  });
}

describe('a file of devices', () => {
  it('that one call can carry stays whole', async () => {
    const [part, ...others] = await split('id;name\nd-1;a\n', true);
    expect(others).toEqual([]);
    expect(part && textOf(part)).toBe('id;name\nd-1;a\n');
    expect(part).toMatchObject({ lineOffset: 0, from: 0, to: 1 });
  });

  it('in CSV is taken apart at ends of rows, each piece with the header', async () => {
    const rows = Array.from({ length: 40 }, (_, at) => `meter-${at};name ${at}`);
    const text = ['id;name', ...rows, ''].join('\n');
    const parts = await split(text, true);
    expect(parts.length).toBeGreaterThan(4);
    for (const part of parts) expect(textOf(part)).toMatch(/^id;name\nmeter/);
    expect(numbered(parts, true)).toEqual(rows.map((row, at) => [at + 2, row]));
    expect(parts.map(({ from }) => from).slice(1)).toEqual(parts.map(({ to }) => to).slice(0, -1));
    expect(parts.at(-1)?.to).toBe(1);
  });

  it('in CSV is never taken apart inside of a quoted cell', async () => {
    const rows = Array.from(
      { length: 20 },
      (_, at) => `meter-${at};"line\n${'x'.repeat(at)} ""${at}"""`,
    );
    const parts = await split(['id;name', ...rows].join('\n'), true);
    for (const part of parts) expect(textOf(part)).toMatch(/^id;name\nmeter-\d+;"line\n/);
    const all = parts.map((part) => textOf(part).replace('id;name\n', '').trim()).join('\n');
    expect(all).toBe(rows.join('\n'));
  });

  it('in JSON with a device per line is taken apart between them', async () => {
    const rows = Array.from({ length: 30 }, (_, at) => JSON.stringify({ name: `{"${at}\n` }));
    const parts = await split(`${rows.join('\n')}\n`, false);
    expect(parts.length).toBeGreaterThan(3);
    expect(numbered(parts, false)).toEqual(rows.map((row, at) => [at + 1, row]));
  });

  it.each([
    ['a list in JSON', `[${'{"name":"a"},\n'.repeat(30)}{}]`, false],
    ['one row that is too large', `id;name\nd-1;${'x'.repeat(300)}\n`, true],
    ['UTF-16', `i\0d\0;\0n\0\n\0${'a\0;\0b\0\n\0'.repeat(40)}`, true],
  ])('is refused with what to do: %s', async (_, text, isCsv) => {
    await expect(split(text, isCsv)).rejects.toBeInstanceOf(CannotSplit);
  });
});
