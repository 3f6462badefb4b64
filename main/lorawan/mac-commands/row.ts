import type { Direction } from '../identifiers.ts';
import type { FieldSpec, ValueOfKind } from './fields.ts';

/** A MAC command of one direction: the one description that parser, serializer and inspector share. */
export interface MacCommandRow<
  N extends string = string,
  F extends readonly FieldSpec[] = readonly FieldSpec[],
> {
  readonly cid: number;
  readonly direction: Direction;
  readonly name: N;
  /** Where the command is specified. */
  readonly section: string;
  /** Bytes after the CID; the minimum where `extraBytesField` is given. */
  readonly payloadBytes: number;
  /** Field that says how many bytes follow the fixed ones. */
  readonly extraBytesField?: string;
  readonly fields: F;
}

/** Declares a row of the table. */
export function row<const N extends string, const F extends readonly FieldSpec[]>(
  cid: number,
  direction: Direction,
  name: N,
  section: string,
  payloadBytes: number,
  fields: F,
  extraBytesField?: string,
): MacCommandRow<N, F> {
  const fixed = { cid, direction, name, section, payloadBytes, fields };
  return extraBytesField === undefined ? fixed : { ...fixed, extraBytesField };
}

type FieldValues<F extends readonly FieldSpec[]> = {
  readonly [S in F[number] as S['name']]: ValueOfKind<S['kind']>;
};

/** The command that a row describes: its name and the values of its fields. */
export type CommandOfRow<R> =
  R extends MacCommandRow<infer N, infer F>
    ? { readonly name: N; readonly fields: FieldValues<F> }
    : never;
