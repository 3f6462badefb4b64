import { createPendingDownlinks, type PendingDownlinks } from './pending-downlinks.ts';

/** Most gateways one listener serves; a flood of invented EUIs must not fill the memory. */
export const MOST_GATEWAYS = 4096;
/** A gateway that says nothing for so long is gone. */
const SILENCE_MS = 3 * 60_000;
/** A downlink path without PULL_DATA or TX_ACK for so long is dead. */
const PATH_AGE_MS = 90_000;
/** Two sources that close together mean two gateways with one EUI, not one that moved. */
const COLLISION_WINDOW_MS = 60_000;
/** A collision is told at most this often for one gateway. */
const NOTICE_INTERVAL_MS = 60_000;

export interface Source {
  readonly address: string;
  readonly port: number;
}

export interface DownlinkPath extends Source {
  readonly version: 1 | 2;
}

/** What is known of one gateway. */
export interface GatewayEntry {
  readonly gatewayEui: string;
  readonly pending: PendingDownlinks;
  address: string;
  lastSeenMs: number;
  /** Source of the newest PULL_DATA; only there downlinks arrive. */
  path: DownlinkPath | undefined;
  pathSeenMs: number;
  previousPath: Source | undefined;
  previousPathSeenMs: number;
  noticedAtMs: number;
}

/** What a datagram changed. */
export interface Contact {
  readonly entry: GatewayEntry;
  /** The connection is new or differs from what was told before. */
  readonly changed: boolean;
  /** Sentence when two sources use this EUI. */
  readonly collision?: string;
  /** The gateway that lost its place to this one. */
  readonly evicted?: GatewayEntry;
}

export interface GatewayTable {
  readonly size: number;
  get(gatewayEui: string): GatewayEntry | undefined;
  /**
   * Notes a datagram; undefined when the table is full and the gateway unknown. `proven` says that it was a readable
   * PUSH_DATA: in a full table a proven gateway takes the place of one that never sent any.
   */
  contact(gatewayEui: string, source: Source, nowMs: number, proven: boolean): Contact | undefined;
  /** Notes the source of a PULL_DATA. */
  pull(entry: GatewayEntry, path: DownlinkPath, nowMs: number): Omit<Contact, 'entry' | 'evicted'>;
  /** Forgets what is too old. */
  sweep(nowMs: number): {
    readonly gone: readonly GatewayEntry[];
    readonly pathLost: readonly GatewayEntry[];
  };
  clear(): readonly GatewayEntry[];
  /** So many gateways, others each time until all have had their turn. */
  nextFew(count: number): readonly GatewayEntry[];
  remove(entry: GatewayEntry): void;
}

function place(source: Source): string {
  return source.address.includes(':')
    ? `[${source.address}]:${source.port}`
    : `${source.address}:${source.port}`;
}

/** The collision sentence, unless one was told a moment ago. */
function notice(entry: GatewayEntry, nowMs: number, here: string, there: string) {
  if (nowMs - entry.noticedAtMs < NOTICE_INTERVAL_MS) return {};
  entry.noticedAtMs = nowMs;
  const collision = `Gateway ${entry.gatewayEui} is heard from ${here} and from ${there}. If these are two gateways, give each an EUI of its own.`;
  return { collision };
}

function newEntry(gatewayEui: string, source: Source, nowMs: number): GatewayEntry {
  return {
    gatewayEui,
    pending: createPendingDownlinks(),
    address: source.address,
    lastSeenMs: nowMs,
    path: undefined,
    pathSeenMs: Number.NEGATIVE_INFINITY,
    previousPath: undefined,
    previousPathSeenMs: Number.NEGATIVE_INFINITY,
    noticedAtMs: Number.NEGATIVE_INFINITY,
  };
}

function sameSource(a: Source | undefined, b: Source): boolean {
  return a !== undefined && a.port === b.port && a.address === b.address;
}

/** Moves the downlink path; tells a collision when two sources take turns. */
function movePath(
  entry: GatewayEntry,
  path: DownlinkPath,
  nowMs: number,
): Omit<Contact, 'entry' | 'evicted'> {
  const current = entry.path;
  if (current && sameSource(current, path)) {
    entry.pathSeenMs = nowMs;
    if (current.version !== path.version) entry.path = path;
    return { changed: false };
  }
  const takesTurns =
    sameSource(entry.previousPath, path) && nowMs - entry.previousPathSeenMs < COLLISION_WINDOW_MS;
  entry.previousPath = current;
  entry.previousPathSeenMs = entry.pathSeenMs;
  entry.path = path;
  entry.pathSeenMs = nowMs;
  const told = takesTurns && current ? notice(entry, nowMs, place(path), place(current)) : {};
  return { changed: current === undefined, ...told };
}

/** Keeps the gateways of one listener, bounded in number and age. */
export function createGatewayTable(): GatewayTable {
  const entries = new Map<string, GatewayEntry>();
  /** EUIs of gateways that never sent a readable PUSH_DATA, the oldest first. */
  const unproven = new Set<string>();
  let turn = entries.values();
  const remove = (gatewayEui: string): void => {
    entries.delete(gatewayEui);
    unproven.delete(gatewayEui);
  };
  const makeRoom = (): GatewayEntry | undefined => {
    const [oldest = ''] = unproven;
    const evicted = entries.get(oldest);
    remove(oldest);
    return evicted;
  };
  const add = (
    gatewayEui: string,
    source: Source,
    nowMs: number,
    proven: boolean,
  ): Contact | undefined => {
    const full = entries.size >= MOST_GATEWAYS;
    const evicted = full && proven ? makeRoom() : undefined;
    if (full && !evicted) return undefined;
    const entry = newEntry(gatewayEui, source, nowMs);
    entries.set(gatewayEui, entry);
    if (!proven) unproven.add(gatewayEui);
    return { entry, changed: true, ...(evicted ? { evicted } : {}) };
  };
  return {
    get size() {
      return entries.size;
    },
    get: (gatewayEui) => entries.get(gatewayEui),
    contact(gatewayEui, source, nowMs, proven) {
      const entry = entries.get(gatewayEui);
      if (entry === undefined) return add(gatewayEui, source, nowMs, proven);
      if (proven) unproven.delete(gatewayEui);
      const sinceLastMs = nowMs - entry.lastSeenMs;
      entry.lastSeenMs = nowMs;
      if (entry.address === source.address) return { entry, changed: false };
      const before = entry.address;
      entry.address = source.address;
      const told =
        sinceLastMs < COLLISION_WINDOW_MS ? notice(entry, nowMs, source.address, before) : {};
      return { entry, changed: true, ...told };
    },
    pull: movePath,
    sweep(nowMs) {
      const gone: GatewayEntry[] = [];
      const pathLost: GatewayEntry[] = [];
      for (const entry of entries.values()) {
        if (nowMs - entry.lastSeenMs >= SILENCE_MS) {
          remove(entry.gatewayEui);
          gone.push(entry);
        } else if (entry.path && nowMs - entry.pathSeenMs >= PATH_AGE_MS) {
          entry.path = undefined;
          pathLost.push(entry);
        }
      }
      return { gone, pathLost };
    },
    clear() {
      const all = [...entries.values()];
      entries.clear();
      unproven.clear();
      return all;
    },
    nextFew(count) {
      const few: GatewayEntry[] = [];
      while (few.length < count) {
        const { value, done } = turn.next();
        if (done) {
          turn = entries.values();
          break;
        }
        few.push(value);
      }
      return few;
    },
    remove: ({ gatewayEui }) => remove(gatewayEui),
  };
}
