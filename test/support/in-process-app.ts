/** The whole network in this process: real files, real UDP, virtual time, and databases whose space a test can take away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { vi } from 'vitest';
import type { LinkStatus } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import { createApp } from '../../main/app.ts';
import { createLogger } from '../../main/base/logger.ts';
import { type VirtualClock, virtualClock } from '../../main/base/virtual-clock.ts';
import { createStore } from '../../main/store/index.ts';
import { API_KEY } from './headless-process.ts';
import { createForwarder, type Forwarder } from './radio-fleet.ts';

export type DatabaseFile = 'registry' | 'frames';

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

export interface EventJson {
  readonly name: string;
  readonly time: string;
  readonly data?: Record<string, unknown>;
}

export interface InProcessApp {
  readonly clock: VirtualClock;
  readonly forwarder: Forwarder;
  /** Lines the program logged, as JSON text. */
  readonly log: readonly string[];
  readonly app: Awaited<ReturnType<typeof createApp>>;
  readonly store: Awaited<ReturnType<typeof createStore>>;
  /** Kept events of an application, devices included, as the API's stream gives them; all, or those after a time. */
  events(applicationId: string, after?: string): Promise<EventJson[]>;
  /** A call of the REST API as an administrator. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Takes the space of a database away, or gives it back. Nothing must be pending in it. */
  setFull(file: DatabaseFile, full: boolean): void;
  /** Hears a frame and waits until its reception is known. */
  hear(phyPayload: Buffer): Promise<void>;
  udpLink(): LinkStatus | undefined;
  close(): Promise<void>;
}

/**
 * Lets a database grow no further, or again. A write on a full disk fails even where its page has room left, since the log
 * grows with each; so every write here asks for a page more than there is.
 */
function limitSpace(db: Database, full: boolean): void {
  const tables = db
    .prepare<string>(
      // Virtual tables take no triggers, and those behind one go with it.
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND name NOT LIKE 'device_search%'`,
    )
    .pluck()
    .all()
    .filter((name) => name !== 'room_needed');
  db.pragma('max_page_count = 1000000');
  db.exec('CREATE TABLE IF NOT EXISTS room_needed(bytes BLOB)');
  for (const table of tables)
    for (const change of ['INSERT', 'UPDATE', 'DELETE']) {
      const trigger = `full_${table}_${change}`;
      db.exec(
        full
          ? `CREATE TEMP TRIGGER ${trigger} BEFORE ${change} ON main.${table}
             BEGIN INSERT INTO room_needed VALUES (zeroblob(1000000)); END`
          : `DROP TRIGGER IF EXISTS temp.${trigger}`,
      );
    }
  if (full) db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
}

/** Opens everything over a new folder, which may be filled first, with a packet forwarder connected. */
export async function openInProcessApp(
  fill: (directory: string) => void = () => undefined,
): Promise<InProcessApp> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-app-'));
  fill(directory);
  const clock = virtualClock();
  const log: string[] = [];
  const logger = createLogger('info', { write: (line) => void log.push(line) });
  const databases = new Map<DatabaseFile, Database>();
  const store = await createStore({
    directory,
    clock,
    logger,
    onOpened: (name, db) => databases.set(name, db),
  });
  const app = await createApp({
    store,
    clock,
    logger,
    rendererFolder: directory,
    version: '0.0.0',
    buildId: 'test',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: false,
    listeners: () => [],
    apiKey: API_KEY,
  });
  await app.links.start();
  const udpLink = (): LinkStatus | undefined =>
    app.links.list().find(({ link }) => link?.id === 'udp');
  const forwarder = await createForwarder('AA555A0000000101', () => clock.monotonic());
  forwarder.connect(udpLink()?.address ?? '');
  await vi.waitFor(() => {
    if (!udpLink()?.gateways[0]?.downlinkReady) throw new Error('no PULL_DATA yet');
  });
  const caller = app.callerOf(`Bearer ${API_KEY}`);
  return {
    clock,
    forwarder,
    log,
    app,
    store,
    async call(method, path, body) {
      const request = new Request(`http://127.0.0.1/api/v3${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const response = await app.handle(request, caller);
      return { status: response.status, json: (await response.json()) as Answer['json'] };
    },
    async events(applicationId, after) {
      const body = JSON.stringify({
        identifiers: [{ application_ids: { application_id: applicationId } }],
        ...(after === undefined ? { tail: 1000 } : { after }),
      });
      const controller = new AbortController();
      const { signal } = controller;
      const request = new Request('http://127.0.0.1/api/v3/events', {
        method: 'POST',
        body,
        signal,
      });
      const response = await app.handle(request, caller);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const found: EventJson[] = [];
      const kept = app.events.subscribe({
        entities: [{ kind: 'application', applicationId }],
        ...(after === undefined ? { tail: 1000 } : { afterMs: Date.parse(after) }),
      });
      // The stream has no end: it is read up to the newest event there is now.
      const { events } = (await kept.next()) ?? { events: [] };
      kept.close();
      for (let text = ''; found.length < events.length + 1; ) {
        const lines = (text + new TextDecoder().decode((await reader.read()).value)).split('\n');
        text = lines.pop() ?? '';
        found.push(...lines.map((line) => (JSON.parse(line) as { result: EventJson }).result));
      }
      controller.abort();
      await reader.cancel();
      return found.slice(1);
    },
    setFull: (file, full) => limitSpace(databases.get(file) as Database, full),
    async hear(phyPayload) {
      const before = udpLink()?.gateways[0]?.uplinkCount ?? 0n;
      forwarder.push(phyPayload);
      await vi.waitFor(() => {
        if ((udpLink()?.gateways[0]?.uplinkCount ?? 0n) <= before) throw new Error('not heard yet');
      });
    },
    udpLink,
    async close() {
      forwarder.close();
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
