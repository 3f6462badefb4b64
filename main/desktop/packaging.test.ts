import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';

interface Configuration {
  readonly electronFuses: Readonly<Record<string, boolean>>;
  readonly asar: boolean;
  readonly extraMetadata: {
    readonly homepage: string;
    readonly author: { readonly email: string };
  };
  readonly linux: { readonly maintainer: string };
}

const text = readFileSync(new URL('../../electron-builder.yml', import.meta.url), 'utf8');
const configuration = load(text) as Configuration;

test('packages are built with every fuse on the safe side', () => {
  expect(configuration.asar).toBe(true);
  expect(configuration.electronFuses).toEqual({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
    enableCookieEncryption: true,
  });
});

test('packages name whom Debian and RPM ask for, and nobody’s domain', () => {
  const { extraMetadata, linux } = configuration;
  expect(linux.maintainer).toMatch(/^[^<>]+ <[^@<>\s]+@[^<>\s]+>$/);
  expect(linux.maintainer).toContain(`<${extraMetadata.author.email}>`);
  expect(URL.canParse(extraMetadata.homepage)).toBe(true);
  expect(text).not.toMatch(/\.example\b|example\.(com|org|net)/);
});
