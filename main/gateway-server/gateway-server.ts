import type { LinkStatus } from '../api/gen/gatehouse/v1/links_pb.js';
import type { GatewayConnectionStats } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type {
  GatewayConnection,
  GatewayLink,
  GatewayStatus,
  GatewayUplink,
  LinkSink,
} from '../base/gateway-link.ts';
import type { Logger } from '../base/logger.ts';
import type { DownlinkScheduler, ReceivedUplink, UplinkHandler } from '../base/seams.ts';
import type { EntityRef, EventBus, EventData } from '../events/index.ts';
import { parseGatewayEui } from '../lorawan/index.ts';
import { type GatewaySettings, UNREGISTERED_GATEWAY_SETTINGS } from '../registry/index.ts';
import type { FrameStore } from '../store/index.ts';
import {
  type Connection,
  createConnection,
  type LinkSettings,
  startCounting,
} from './connection.ts';
import { connectionStats, gatewayNotConnected } from './connection-stats.ts';
import { createDownlinkReports } from './downlink-reports.ts';
import { type LinkEntry, linkStatusMessage, tooManyNew } from './link-status.ts';
import { brokenFrame, disconnectData, statusData, uplinkData, upstreamData } from './messages.ts';
import type { GatewayRegistry } from './ports.ts';
import { createScheduler } from './scheduler.ts';
import { createStatsAnnouncer, type StatsAnnouncer, statsData } from './stats-announcer.ts';
import { createLocationKeeper } from './status-location.ts';

export interface GatewayServerOptions {
  readonly store: { readonly frames: Pick<FrameStore, 'addReception' | 'addFrame'> };
  readonly registry: { readonly gateways: GatewayRegistry };
  readonly events: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly handler: UplinkHandler;
}

export interface GatewayServer {
  /** Starts a link; resolves once it runs or waits for its device. */
  add(link: GatewayLink, settings: LinkSettings): Promise<void>;
  /** Stops a link and forgets it. */
  remove(linkId: string): Promise<void>;
  /** State of a link in the contract's form, without its settings. */
  statusOf(linkId: string): LinkStatus | undefined;
  linkIds(): readonly string[];
  /** Counts and times of a gateway's connection; throws for one that was not heard since the start. */
  connectionStats(gatewayId: string): GatewayConnectionStats;
  /** The same; undefined for one that was not heard since the start. */
  knownConnectionStats(gatewayId: string): GatewayConnectionStats | undefined;
  /** Called whenever what `statusOf` says may have changed. */
  onChange(listener: (linkId: string) => void): () => void;
  readonly scheduler: DownlinkScheduler;
  stop(): Promise<void>;
}

/** How long the registry's answer about a gateway's id is used. */
const GATEWAY_ID_LIFE_MS = 5_000;
/** A link that makes up codes cannot fill the memory. */
const MAX_MALFORMED_CODES = 100;

/** The newest subject of a gateway's events; most of them name the same one. */
const entities = new WeakMap<Connection, EntityRef & { readonly kind: 'gateway' }>();

function gatewayEntity(connection: Connection): EntityRef {
  const known = entities.get(connection);
  if (known?.gatewayId === connection.gatewayId) return known;
  const { gatewayId, eui } = connection;
  const entity = { kind: 'gateway', gatewayId, eui } as const;
  entities.set(connection, entity);
  return entity;
}

class Gateways {
  readonly links = new Map<string, LinkEntry>();
  readonly listeners = new Set<(linkId: string) => void>();
  readonly #options: GatewayServerOptions;
  readonly #logger: Logger;
  readonly stats: StatsAnnouncer;
  readonly #keepLocation: ReturnType<typeof createLocationKeeper>;

  constructor(options: GatewayServerOptions) {
    const { clock, registry } = options;
    this.#options = options;
    this.#logger = options.logger.area('gateway_server');
    this.stats = createStatsAnnouncer({
      clock,
      enforcesDutyCycle: (connection) => this.settingsOf(connection).enforceDutyCycle,
      publish: (connection, name, rest) => this.publish(connection, name, rest),
    });
    this.#keepLocation = createLocationKeeper({
      clock,
      logger: this.#logger,
      settingsOf: (connection) => this.settingsOf(connection),
      record: registry.gateways.recordLocation?.bind(registry.gateways),
    });
  }

  settingsOf({ gatewayId }: Connection): GatewaySettings {
    return this.#options.registry.gateways.settings?.(gatewayId) ?? UNREGISTERED_GATEWAY_SETTINGS;
  }

  changed(linkId: string): void {
    for (const listener of this.listeners) listener(linkId);
  }

  publish(
    connection: Connection,
    name: string,
    rest: {
      data?: () => EventData;
      lateData?: () => EventData;
      causeCode?: string;
      correlationIds?: readonly string[];
    } = {},
  ): void {
    this.#options.events.publish({ name, identifiers: [gatewayEntity(connection)], ...rest });
  }

  connectionOf(path: ReceivedUplink): Connection | undefined {
    return this.links.get(path.linkId)?.connections.get(path.uplink.gatewayEui);
  }

  /** The way to a gateway; one that is open goes first. */
  connectionById(gatewayId: string): Connection | undefined {
    const all = [...this.links.values()]
      .flatMap(({ connections }) => [...connections.values()])
      .filter((connection) => connection.gatewayId === gatewayId);
    return all.find(({ connected }) => connected) ?? all[0];
  }

  /** The connection of a gateway, made when it is first heard of; undefined if its EUI is none. */
  #connection(entry: LinkEntry, gatewayEui: string): Connection | undefined {
    const { clock, registry } = this.#options;
    let connection = entry.connections.get(gatewayEui);
    if (!connection) {
      const eui = parseGatewayEui(gatewayEui);
      if (eui === undefined) return undefined;
      connection = createConnection(entry.link, eui, entry.settings, () => clock.monotonic());
      entry.connections.set(gatewayEui, connection);
    }
    const nowMs = clock.monotonic();
    if (nowMs - connection.gatewayIdReadAtMs < GATEWAY_ID_LIFE_MS) return connection;
    connection.gatewayIdReadAtMs = nowMs;
    connection.wayMs = (connection.roundTripTimes.medianMs() ?? 0) / 2;
    try {
      connection.gatewayId = registry.gateways.ensureHeard(connection.eui);
      connection.isNew = registry.gateways.isNew?.(connection.gatewayId) ?? false;
      connection.hearing = registry.gateways.settings?.(connection.gatewayId);
    } catch (error) {
      this.#logger.error(
        { gatewayEui, error: errorText(error) },
        'a gateway could not be registered',
      );
    }
    return connection;
  }

  #guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logger.error({ error }, `${what} could not be handled`);
    }
  }

  #markConnected(connection: Connection): void {
    if (connection.connected) return;
    const { clock } = this.#options;
    startCounting(connection, clock.now());
    const { enforceDutyCycle } = this.settingsOf(connection);
    const data = () => statsData(connection, clock, enforceDutyCycle);
    this.publish(connection, 'gs.gateway.connect', { data });
    this.stats.connected(connection);
  }

  #uplink(entry: LinkEntry, uplink: GatewayUplink): void {
    const { clock, store, handler } = this.#options;
    const nowMs = clock.monotonic();
    const receivedMonotonicMs = Math.min(uplink.endedMonotonicMs ?? nowMs, nowMs);
    const receivedAtMs = clock.now();
    const connection = this.#connection(entry, uplink.gatewayEui);
    if (!connection) {
      this.#malformed(entry, 'gateway_eui');
      return;
    }
    this.#markConnected(connection);
    connection.lastFrameAtMs = receivedAtMs;
    connection.uplinkCount += 1;
    connection.clockSync = {
      timestampUs: uplink.concentratorTimestampUs,
      monotonicMs: receivedMonotonicMs,
      gpsTimeMs: uplink.gpsTimeMs,
    };
    const { gatewayId } = connection;
    const linkId = entry.link.id;
    const receptionId = store.frames.addReception({ linkId, gatewayId, uplink, receivedAtMs });
    const { hearing: gateway, wayMs } = connection;
    const received = {
      receptionId,
      linkId,
      gatewayId,
      gateway,
      uplink,
      receivedAtMs,
      receivedMonotonicMs,
      wayMs,
    };
    const correlationIds = [`gs:uplink:${receptionId}`];
    this.publish(connection, 'gs.up.receive', {
      lateData: () => uplinkData(received),
      correlationIds,
    });
    if (uplink.crc === 'bad') {
      store.frames.addFrame(brokenFrame(received, connection), [receptionId]);
      this.publish(connection, 'gs.up.drop', { correlationIds, causeCode: 'message_crc' });
    } else {
      handler.handleUplink(received);
      this.publish(connection, 'gs.up.forward', { data: upstreamData, correlationIds });
    }
    this.stats.changed(connection);
    this.changed(linkId);
  }

  #status(entry: LinkEntry, status: GatewayStatus): void {
    const connection = this.#connection(entry, status.gatewayEui);
    if (!connection) return;
    const nowMs = this.#options.clock.now();
    this.#markConnected(connection);
    connection.lastStatusAtMs = nowMs;
    connection.lastStatus = status;
    this.publish(connection, 'gs.status.receive', { data: () => statusData(status, nowMs) });
    this.#keepLocation(connection, status);
    this.stats.changed(connection);
    this.changed(entry.link.id);
  }

  #admits(entry: LinkEntry, gatewayEui: string): boolean {
    const { gateways } = this.#options.registry;
    const eui = parseGatewayEui(gatewayEui);
    if (eui === undefined) return false;
    if (gateways.isKnown?.(eui) ?? true) return true;
    if (gateways.mayRegisterHeard?.() ?? true) {
      entry.turnedAway = false;
      return true;
    }
    if (!entry.turnedAway) {
      entry.turnedAway = true;
      this.#logger.warn({ gatewayEui }, tooManyNew().message);
      this.changed(entry.link.id);
    }
    return false;
  }

  #needsAuthentication(gatewayEui: string): boolean {
    const { gateways } = this.#options.registry;
    const eui = parseGatewayEui(gatewayEui);
    if (eui === undefined || !gateways.isKnown?.(eui)) return false;
    return gateways.settings?.(gateways.ensureHeard(eui))?.requiresAuthentication ?? false;
  }

  #connected(entry: LinkEntry, details: GatewayConnection): void {
    const connection = this.#connection(entry, details.gatewayEui);
    if (!connection) return;
    connection.details = details;
    this.#markConnected(connection);
    this.changed(entry.link.id);
  }

  #disconnected(entry: LinkEntry, gatewayEui: string, reason: string): void {
    const connection = entry.connections.get(gatewayEui);
    if (!connection?.connected) return;
    connection.connected = false;
    connection.disconnectedAtMs = this.#options.clock.now();
    this.publish(connection, 'gs.gateway.disconnect', { data: () => disconnectData(reason) });
    this.stats.disconnected(connection);
    this.changed(entry.link.id);
  }

  #malformed(entry: LinkEntry, code: string): void {
    const known = entry.malformed.get(code) ?? 0;
    if (known === 0 && entry.malformed.size >= MAX_MALFORMED_CODES) return;
    entry.malformed.set(code, known + 1);
    this.changed(entry.link.id);
  }

  /** What a link reports to. Nothing it says throws. */
  sink(entry: LinkEntry): LinkSink {
    return {
      admits: (gatewayEui) => {
        let admitted = false;
        this.#guard('a new gateway', () => {
          admitted = this.#admits(entry, gatewayEui);
        });
        return admitted;
      },
      needsAuthentication: (gatewayEui) => {
        let isNeeded = false;
        this.#guard('a gateway', () => {
          isNeeded = this.#needsAuthentication(gatewayEui);
        });
        return isNeeded;
      },
      uplink: (uplink) => this.#guard('an uplink', () => this.#uplink(entry, uplink)),
      status: (status) => this.#guard('a gateway status', () => this.#status(entry, status)),
      connected: (details) => this.#guard('a connection', () => this.#connected(entry, details)),
      disconnected: (eui, reason) =>
        this.#guard('a connection', () => this.#disconnected(entry, eui, reason)),
      state: (state) =>
        this.#guard('a link state', () => {
          entry.state = state;
          this.changed(entry.link.id);
        }),
      malformed: (code) => this.#guard('broken input', () => this.#malformed(entry, code)),
    };
  }
}

/** Creates the gateway server: it owns the links, stores what they hear, and hands downlinks to them. */
export function createGatewayServer(options: GatewayServerOptions): GatewayServer {
  const gateways = new Gateways(options);
  const { links, listeners } = gateways;
  const stopped = new AbortController();
  const scheduler = createScheduler({
    clock: options.clock,
    signal: stopped.signal,
    connectionOf: (path) => gateways.connectionOf(path),
    connectionById: (gatewayId) => gateways.connectionById(gatewayId),
    settingsOf: (gatewayId) => options.registry.gateways.settings?.(gatewayId),
    settingsOfConnected: (connection) => gateways.settingsOf(connection),
    ...createDownlinkReports({
      clock: options.clock,
      publish: (...event) => gateways.publish(...event),
      changed(connection) {
        gateways.stats.changed(connection);
        gateways.changed(connection.link.id);
      },
    }),
  });
  const remove = async (linkId: string): Promise<void> => {
    const entry = links.get(linkId);
    if (!entry) return;
    await entry.link.stop();
    links.delete(linkId);
    gateways.changed(linkId);
  };
  const knownConnectionStats: GatewayServer['knownConnectionStats'] = (gatewayId) => {
    const connection = gateways.connectionById(gatewayId);
    if (!connection) return undefined;
    const { enforceDutyCycle } = gateways.settingsOf(connection);
    return connectionStats(connection, options.clock.monotonic(), enforceDutyCycle);
  };
  return {
    async add(link, settings) {
      if (links.has(link.id)) await remove(link.id);
      const entry: LinkEntry = {
        link,
        settings,
        connections: new Map(),
        malformed: new Map(),
        state: { phase: 'starting' },
        turnedAway: false,
      };
      links.set(link.id, entry);
      await link.start(gateways.sink(entry));
    },
    remove,
    statusOf(linkId) {
      const entry = links.get(linkId);
      const mayRegister = options.registry.gateways.mayRegisterHeard?.() ?? true;
      return entry && linkStatusMessage(entry, mayRegister);
    },
    linkIds: () => [...links.keys()],
    connectionStats(gatewayId) {
      const stats = knownConnectionStats(gatewayId);
      if (!stats) throw gatewayNotConnected({ gateway_uid: gatewayId });
      return stats;
    },
    knownConnectionStats,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    scheduler,
    async stop() {
      stopped.abort();
      await Promise.all([...links.keys()].map(remove));
      gateways.stats.stop();
    },
  };
}
