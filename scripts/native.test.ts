import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../main/lorawan/crypto/load-addon.ts';
import { nativeImplementation } from '../main/lorawan/crypto/native.ts';
import { wrongAnswerOf } from '../main/lorawan/crypto/self-test.ts';
import { unavailable } from '../test/support/unavailable.ts';
import { compileAddon, usualCompiler } from './native.mjs';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-compile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('where the addon cannot be compiled', () => {
  it('names the compiler that is missing, and leaves no addon of another state behind', () => {
    const file = join(folder, 'missing.node');
    const compiler = join(folder, 'no-such-cc');
    writeFileSync(file, 'compiled from older sources');
    expect(compileAddon(file, process.arch, compiler)).toBe(`there is no C compiler "${compiler}"`);
    expect(existsSync(file)).toBe(false);
  });

  it('gives the reason of a compiler that fails in one line', () => {
    const file = join(folder, 'failed.node');
    // Node is a program that certainly exists and does not know the arguments.
    const problem = compileAddon(file, process.arch, process.execPath);
    expect(problem).toMatch(/ ended with code \d+: [^\n]+$/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

const { error } = spawnSync(usualCompiler, ['--version']);
if (error) unavailable('compiling the addon', `there is no C compiler "${usualCompiler}"`);
else {
  describe('the sources of the addon', () => {
    it('compile without a warning and give right answers', () => {
      const file = join(folder, 'fresh.node');
      expect(compileAddon(file, process.arch, usualCompiler, ['-Werror'])).toBeUndefined();
      const addon = loadAddon(file);
      if ('absent' in addon) throw new Error(addon.absent);
      expect(wrongAnswerOf(nativeImplementation(addon))).toBeUndefined();
      expect(wrongAnswerOf(nativeImplementation(addon.portable))).toBeUndefined();
    });
  });
}
