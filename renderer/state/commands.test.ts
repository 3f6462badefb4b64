import { expect, it } from 'vitest';
import { createCommands } from './commands.ts';

it('gives a command to whoever registered last, and back when that one leaves', () => {
  const commands = createCommands();
  const done: string[] = [];
  expect(commands.run('find')).toBe(false);
  commands.on('find', () => done.push('page'));
  const leave = commands.on('find', () => done.push('dialog'));
  expect(commands.run('find')).toBe(true);
  leave();
  commands.run('find');
  expect(done).toEqual(['dialog', 'page']);
});

it('keeps a command for the page that is about to appear, once', () => {
  const commands = createCommands();
  const done: string[] = [];
  commands.leave('find');
  commands.on('export-frames', () => done.push('other'));
  commands.on('find', () => done.push('first'));
  commands.on('find', () => done.push('second'));
  expect(done).toEqual(['first']);
});
