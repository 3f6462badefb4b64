/** When the next commit of a database is due. */
export interface CommitPace {
  /** Something waits for a commit. Asking again before it ran changes nothing. */
  request(): void;
  /** A commit happened, for so much. */
  committed(count: number): void;
}

export interface CommitPaceOptions {
  readonly commit: () => void;
  /**
   * Commits that hold so much, {@link STREAK} of them in a row, show that work comes faster than one commit per turn of the
   * event loop serves it.
   */
  readonly crowdedAt: number;
  /** So many turns then share the next one. */
  readonly sharedBy: number;
}

/** One crowded commit is a request with many rows; this many are load. */
const STREAK = 4;

/**
 * Commits at the end of the turn of the event loop in which something was asked for; under load it lets several turns
 * share one, as flushing costs as much for one row as for many. Turns are short when there is nothing to do, so that
 * nobody waits for company that does not come.
 */
export function createCommitPace({ commit, crowdedAt, sharedBy }: CommitPaceOptions): CommitPace {
  let crowded = 0;
  /** Counts commits, so that a turn knows whether what it waited for is done. */
  let round = 0;
  let requestedRound = -1;

  const wait = (ofRound: number, turns: number): void => {
    setImmediate(() => {
      if (ofRound !== round) return;
      if (turns > 1) wait(ofRound, turns - 1);
      else commit();
    });
  };
  return {
    request() {
      if (requestedRound === round) return;
      requestedRound = round;
      wait(round, crowded < STREAK ? 1 : sharedBy);
    },
    committed(count) {
      crowded = count >= crowdedAt ? crowded + 1 : 0;
      round += 1;
    },
  };
}
