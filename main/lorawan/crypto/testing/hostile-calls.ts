/**
 * `node hostile-calls.ts ADDON`: calls each function of the addon with wrong arguments, one at a time and all at once.
 * Prints how many calls there were and how many threw; whatever else happens ends the process.
 */
import { createRequire } from 'node:module';
import type { NativeAddon, NativeFunctions } from '../native.ts';

const addon = createRequire(import.meta.url)(process.argv[2] ?? '') as NativeAddon;

function detached<Kind extends Uint8Array | Uint32Array>(array: Kind): Kind {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

/** An array that has followed its buffer to nothing. */
function shrunk(bytes: number): Uint32Array {
  const buffer = new ArrayBuffer(bytes, { maxByteLength: bytes });
  const array = new Uint32Array(buffer, 0, bytes / 4);
  buffer.resize(0);
  return array;
}

const key = (): Uint32Array => new Uint32Array(52);
const frame = (): Uint8Array => Uint8Array.from({ length: 24 }, (_, index) => index);
const uplinkRow = (row: number, offset: number, length: number): Uint32Array =>
  Uint32Array.of(row, 0, 1, offset, length, 0, 0, 0);

/** Right arguments of each function. */
const calls: Readonly<Record<Exclude<keyof NativeFunctions, 'aes'>, () => unknown[]>> = {
  expandKey: () => [new Uint8Array(16), key()],
  cmac: () => [key(), frame(), new Uint8Array(16)],
  micWord: () => [key(), 0, 0, 1, frame(), 20],
  crypt: () => [key(), 0, 0, 1, 1, frame(), new Uint8Array(64), 8],
  searchMics: () => [key(), Uint32Array.of(0, 1, 0, 2), 0, 2, frame()],
  openUplinks: () => [key(), frame(), uplinkRow(0, 0, 24), 1, new Uint8Array(64)],
};

/** What no argument should be, made anew for each call. */
const wrong: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => -1,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 0.5,
  () => 2 ** 32,
  () => 2 ** 32 - 1,
  () => 2 ** 53,
  () => -0.5,
  () => '16',
  () => true,
  () => 1n,
  () => Symbol('x'),
  () => ({}),
  () => [],
  () => ({ length: 16, byteLength: 16 }),
  () => new Uint8Array(0),
  () => new Uint8Array(1),
  () => new Uint8Array(15),
  () => new Uint8Array(17),
  () => new Uint32Array(0),
  () => new Uint32Array(1),
  () => new Uint32Array(51),
  () => new Uint32Array(53),
  () => new Uint32Array(208).fill(0xffff_ffff),
  () => Uint32Array.of(1, 0),
  () => Uint32Array.of(0x7fff_ffff, 0, 0xffff_ffff, 0),
  () => uplinkRow(0xffff_ffff, 0, 24),
  () => uplinkRow(0, 0xffff_ffff, 24),
  () => uplinkRow(0, 0, 0xffff_ffff),
  () => uplinkRow(0, 1, 24),
  () => new Int32Array(52),
  () => new Int8Array(16),
  () => new Uint16Array(64),
  () => new Uint8ClampedArray(64),
  () => new Float64Array(52),
  () => new DataView(new ArrayBuffer(64)),
  () => new ArrayBuffer(208),
  () => detached(new Uint8Array(16)),
  () => detached(new Uint8Array(255)),
  () => detached(new Uint32Array(52)),
  () => shrunk(208),
  () => new Proxy(new Uint8Array(16), {}),
  () => Object.create(Uint8Array.prototype),
  () => () => 0,
];

const tally = { calls: 0, thrown: 0 };

function call(functions: NativeFunctions, name: keyof typeof calls, values: unknown[]): void {
  tally.calls++;
  try {
    (functions[name] as (...values: unknown[]) => unknown)(...values);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== 'GATEHOUSE_NATIVE_ARGUMENT') throw error;
    tally.thrown++;
  }
}

for (const functions of [addon, addon.portable]) {
  for (const name of Object.keys(calls) as (keyof typeof calls)[]) {
    const right = calls[name]();
    (functions[name] as (...values: unknown[]) => unknown)(...right);
    for (let count = 0; count < right.length; count++)
      call(functions, name, calls[name]().slice(0, count));
    for (const [index, make] of [...right.keys()].flatMap((at) =>
      wrong.map((one) => [at, one] as const),
    )) {
      const values = calls[name]();
      values[index] = make();
      call(functions, name, values);
      for (const second of right.keys()) {
        const both = calls[name]();
        both[index] = make();
        both[second] = wrong[(index * 7 + second * 13) % wrong.length]?.();
        call(functions, name, both);
      }
    }
    for (const make of wrong)
      call(
        functions,
        name,
        right.map(() => make()),
      );
  }
}
process.stdout.write(JSON.stringify(tally));
