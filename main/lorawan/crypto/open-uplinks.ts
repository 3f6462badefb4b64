import { implementation } from './implementation.ts';
import type { UplinkBatch } from './uplink-batch.ts';

/**
 * Verifies and decrypts 1.0.x data uplinks whose sessions are known, many in one call and without an object for each.
 *
 * @param count how many rows of the table to do
 * @returns how many frames were well formed and had the right MIC
 * @throws RangeError if a row points outside the frames or the keys; rows before it are done
 */
export function openUplinks(batch: UplinkBatch, count: number): number {
  return implementation().openUplinks(batch, count);
}
