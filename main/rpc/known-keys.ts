import { defineError } from '../base/errors.ts';
import type { Registry } from '../registry/index.ts';
import { hashSecret, type KnownApiKey, parseToken } from './api-keys.ts';

const badApiKey = defineError(
  'gatehouse/app:bad_api_key',
  'INVALID_ARGUMENT',
  'The given API key is malformed. It has to look like NNSXS.<id>.<secret>, in letters A to Z and digits 2 to 7.',
);

/** An administrator's key that was given at the start and is stored nowhere. */
function transientKey(text: string | undefined): KnownApiKey | undefined {
  if (text === undefined) return undefined;
  const token = parseToken(text);
  if (token?.type !== 'NNSXS') throw badApiKey();
  return {
    id: token.id,
    name: 'given at start',
    secretHash: hashSecret(token.secret),
    rights: ['RIGHT_ALL'],
    admin: true,
  };
}

/** Finds keys by their id: the one given at the start, then the stored ones. */
export function keyFinder(
  ofCall: Registry['apiKeys']['ofCall'],
  givenText: string | undefined,
): (id: string) => KnownApiKey | undefined {
  const given = transientKey(givenText);
  return (id) => {
    if (given?.id === id) return given;
    const row = ofCall(id);
    if (!row) return undefined;
    const { hash, ...rest } = row;
    const isBound = row.applicationId !== undefined || row.gatewayId !== undefined;
    const admin = !isBound && row.rights.includes('RIGHT_ALL');
    return { ...rest, secretHash: hash, admin };
  };
}
