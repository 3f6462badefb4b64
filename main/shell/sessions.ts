import { createHash, randomBytes } from 'node:crypto';

/** Browser sessions: each begins with a link that works once. */
export interface Sessions {
  /** A token for a link; it opens one session. */
  issue(): string;
  /** Exchanges a link's token for the secret of a new session. */
  open(token: string): string | undefined;
  /** Whether a secret belongs to an open session. */
  knows(secret: string): boolean;
  /** Ends every session and takes back every link. */
  endAll(): void;
}

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
      return session;
    },
    knows: (secret) => sessions.has(digest(secret)),
    endAll() {
      links.clear();
      sessions.clear();
    },
  };
}

/** Browsers send a cookie to every port of a host, so each program there needs a name of its own. */
const cookieName = (port: number): string => `gatehouse_session_${port}`;

/** The `Set-Cookie` value that gives a browser its session with the program at this port. */
export function sessionCookie(port: number, secret: string): string {
  return `${cookieName(port)}=${secret}; HttpOnly; SameSite=Strict; Path=/`;
}

/** What a `Cookie` header says about the session with the program at this port; several when pages set their own. */
export function sessionSecrets(port: number, cookieHeader: string | undefined): string[] {
  const prefix = `${cookieName(port)}=`;
  return (cookieHeader ?? '')
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one.startsWith(prefix))
    .map((one) => one.slice(prefix.length));
}
