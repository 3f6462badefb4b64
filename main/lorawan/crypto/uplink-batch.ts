import type { KeyTable } from './key-table.ts';

/**
 * Places in a row of {@link UplinkBatch.table}. The first five are filled in by the caller, the rest are results.
 */
export const UPLINK = {
  /** Row of the NwkSKey. */
  networkRow: 0,
  /** Row of the AppSKey. */
  applicationRow: 1,
  /** The complete 32-bit counter. */
  fullFCnt: 2,
  /** Where the frame begins in `frames`, and its bytes. */
  offset: 3,
  length: 4,
  /** FPort, or one of {@link UPLINK_RESULT}; as a signed number. */
  port: 5,
  /** Where the payload begins in `payloads`, and its bytes. */
  payloadOffset: 6,
  payloadLength: 7,
} as const;
/** Words of a row. */
export const UPLINK_WORDS = 8;

/** What stands in the place of FPort if there is none. */
export const UPLINK_RESULT = { noPort: -1, malformed: -2, wrongMic: -3, noRoom: -4 } as const;

/** Frames to open in one call, and where the results go. All of it may be used again. */
export interface UplinkBatch {
  readonly keys: KeyTable;
  readonly frames: Uint8Array;
  /** {@link UPLINK_WORDS} words for each frame. */
  readonly table: Uint32Array;
  /** Payloads in the clear, one behind the other. */
  readonly payloads: Uint8Array;
}
