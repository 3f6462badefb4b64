import { createHash, randomBytes } from 'node:crypto';

/** Browser sessions: each begins with a link that works once. */
export interface Sessions {
  /** A token for a link; it opens one session. */
  issue(): string;
  /** Exchanges a link's token for the `Set-Cookie` value of a new session. */
  open(token: string): string | undefined;
  /** Whether a `Cookie` header belongs to an open session. */
  knows(cookieHeader: string | undefined): boolean;
}

const COOKIE = 'gatehouse_session';
/** Sessions kept; the oldest go first. */
const MAX_SESSIONS = 64;
/** Links handed out and not opened yet. */
const MAX_LINKS = 16;

/** Tokens are compared by hash, so that the time of a comparison tells nothing about them. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64');
const newToken = (): string => randomBytes(32).toString('base64url');

function addBounded(set: Set<string>, value: string, limit: number): void {
  set.add(value);
  for (const oldest of set) {
    if (set.size <= limit) break;
    set.delete(oldest);
  }
}

/** Creates an empty set of sessions; they end with the program. */
export function createSessions(): Sessions {
  const links = new Set<string>();
  const sessions = new Set<string>();
  return {
    issue() {
      const token = newToken();
      addBounded(links, digest(token), MAX_LINKS);
      return token;
    },
    open(token) {
      if (!links.delete(digest(token))) return undefined;
      const session = newToken();
      addBounded(sessions, digest(session), MAX_SESSIONS);
      return `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`;
    },
    knows(header) {
      const cookies = (header ?? '').split(';').map((one) => one.trim());
      const ours = cookies.find((one) => one.startsWith(`${COOKIE}=`));
      return ours !== undefined && sessions.has(digest(ours.slice(COOKIE.length + 1)));
    },
  };
}
