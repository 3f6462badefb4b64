import type {
  GatewayConnection,
  GatewayStatus,
  GatewayUplink,
  LinkSink,
  LinkState,
} from '../../main/base/gateway-link.ts';

/** A link sink that keeps everything it is told, and lets a test wait for it. */
export interface RecordingSink extends LinkSink {
  readonly uplinks: GatewayUplink[];
  readonly statuses: GatewayStatus[];
  readonly connections: GatewayConnection[];
  readonly disconnections: { readonly gatewayEui: string; readonly reason: string }[];
  readonly states: LinkState[];
  readonly malformedReports: { readonly code: string; readonly detail: string }[];
  /** Resolves as soon as `check` holds, looked at after each call; rejects after `timeoutMs` of real time. */
  until(check: () => boolean, timeoutMs?: number): Promise<void>;
}

export function createRecordingSink(): RecordingSink {
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiting]) look();
  };
  const sink: RecordingSink = {
    uplinks: [],
    statuses: [],
    connections: [],
    disconnections: [],
    states: [],
    malformedReports: [],
    uplink(uplink) {
      sink.uplinks.push(uplink);
      changed();
    },
    status(status) {
      sink.statuses.push(status);
      changed();
    },
    connected(connection) {
      sink.connections.push(connection);
      changed();
    },
    disconnected(gatewayEui, reason) {
      sink.disconnections.push({ gatewayEui, reason });
      changed();
    },
    state(state) {
      sink.states.push(state);
      changed();
    },
    malformed(code, detail) {
      sink.malformedReports.push({ code, detail });
      changed();
    },
    until(check, timeoutMs = 8_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`Did not happen within ${timeoutMs} ms: ${check}`));
        }, timeoutMs);
        const look = (): void => {
          if (!check()) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
  return sink;
}
