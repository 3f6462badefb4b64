/** One field of a frame with its place in the bytes, for field trees beside a hex view. */
export interface FieldSpan {
  /** Stable dotted name, where Wireshark has one the same: `lorawan.fhdr.devaddr`. */
  readonly name: string;
  /** Name as the specification writes it. */
  readonly label: string;
  /** First byte within the frame. */
  readonly offset: number;
  readonly length: number;
  /** Bits of the field in its bytes read as a little-endian number; absent for whole bytes. */
  readonly bitMask?: number;
  /** The value as text, with unit. */
  readonly value: string;
  /** What the value means. */
  readonly text?: string;
  /** The value stands in the decrypted bytes, not in those on air. */
  readonly decrypted?: boolean;
  readonly children: readonly FieldSpan[];
}
