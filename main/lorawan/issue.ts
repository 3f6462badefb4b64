/** Something about foreign bytes that is not as it should be. The rest was decoded as far as possible. */
export interface Issue {
  /** First byte concerned. */
  readonly offset: number;
  readonly length: number;
  /** Stable code such as `raw_payload_too_short`. */
  readonly code: string;
  /** What is wrong, in a sentence. */
  readonly message: string;
}

/** The list of a decoder that found nothing to complain about; shared so that good frames cost nothing. */
export const NO_ISSUES: readonly Issue[] = Object.freeze([]);
