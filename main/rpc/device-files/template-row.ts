import type { EndDevice } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { GatehouseError } from '../../base/errors.ts';

/** One device of a file: what it is to be, or why it cannot be read. */
export type TemplateRow =
  | {
      /** Line of the file where it begins, from 1. */
      readonly line: number;
      readonly device: EndDevice;
      /** Field mask paths of what the file says about it. */
      readonly paths: readonly string[];
    }
  | { readonly line: number; readonly error: GatehouseError };

/**
 * What an empty cell means in CSV: to The Things Stack it is an empty or zero value that was given, or an error; to our own
 * import, which takes files with devices of different kinds, nothing was given.
 */
export type EmptyCells = 'given' | 'absent';

export interface ReadOptions {
  readonly emptyCells: EmptyCells;
  /** Makes the key id of a session that the file has keys for. */
  readonly newSessionKeyId: () => Uint8Array;
}
