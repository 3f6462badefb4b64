import type { RemoteInfo } from 'node:dgram';
import type { Clock, Timer } from '../../base/clock.ts';
import { errorText, GatehouseError } from '../../base/errors.ts';
import type {
  GatewayLink,
  LinkCapabilities,
  LinkInput,
  LinkSink,
  TxAcknowledgment,
  TxRequest,
} from '../../base/gateway-link.ts';
import type { Logger } from '../../base/logger.ts';
import { linkErrors, stateWithCause } from '../link-errors.ts';
import {
  checkPullData,
  type DatagramHeader,
  type DatagramIssue,
  encodeAck,
  encodePullResp,
  parseHeader,
} from './datagram.ts';
import { createGatewayTable, type GatewayEntry, MOST_GATEWAYS } from './gateway-table.ts';
import { parsePushData } from './push-data.ts';
import { parseTxAck } from './tx-ack.ts';
import { txpkFromRequest } from './txpk.ts';
import { openUdpSocket, type UdpSocket } from './udp-socket.ts';

/** A forwarder acknowledges at once or, when it found the request wanting, never. */
const ACKNOWLEDGMENT_TIMEOUT_MS = 5_000;
const SWEEP_INTERVAL_MS = 10_000;
/** Gateways whose registration is looked at per sweep, so that thousands have their turn within ten minutes. */
const CHECKED_AT_ONCE = 68;
/** Longest piece of an unusable datagram that is handed on. */
const RAW_BYTES = 512;
/** Smallest receive buffer at which no hint is logged, in the counting of Linux, which doubles what was asked. */
const GOOD_BUFFER_BYTES = 4 * 1024 * 1024;

const CAPABILITIES: LinkCapabilities = { leadTimeMs: 300, singleChannel: false };

export interface SemtechUdpLinkOptions {
  readonly id: string;
  /** Address to listen at, e.g. `127.0.0.1` or `0.0.0.0`. */
  readonly host: string;
  /** Port to listen at; 0 takes any free one. */
  readonly port: number;
  /** Whether the user asked for exactly this port. */
  readonly explicitPort: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** If given, only gateways with these EUIs (16 hex digits) are served. */
  readonly allowlist?: readonly string[];
}

/** What a listener counted since it was created. */
export interface SemtechUdpCounters {
  readonly datagrams: number;
  readonly uplinks: number;
  readonly downlinks: number;
  /** Parts that could not be used, and whole datagrams. */
  readonly malformed: number;
  /** Datagrams of which nothing was used. */
  readonly refused: number;
}

export interface SemtechUdpLink extends GatewayLink {
  /** Number of gateways heard lately. */
  readonly gatewayCount: number;
  counters(): SemtechUdpCounters;
}

/** Listens for any number of packet forwarders that speak the Semtech UDP protocol, versions 1 and 2. */
export function createSemtechUdpLink(options: SemtechUdpLinkOptions): SemtechUdpLink {
  return new UdpLink(options);
}

/** Gateways tell what they put out; the antenna adds its gain. */
function withGain(
  acknowledgment: TxAcknowledgment,
  { antennaGainDbi = 0 }: TxRequest,
): TxAcknowledgment {
  const { transmittedEirpDbm } = acknowledgment;
  if (transmittedEirpDbm === undefined || antennaGainDbi === 0) return acknowledgment;
  return { ...acknowledgment, transmittedEirpDbm: transmittedEirpDbm + antennaGainDbi };
}

class UdpLink implements SemtechUdpLink {
  readonly kind = 'semtech_udp';
  readonly capabilities = CAPABILITIES;
  readonly id: string;
  readonly #options: SemtechUdpLinkOptions;
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #gateways = createGatewayTable();
  #socket: UdpSocket | undefined;
  #sink: LinkSink | undefined;
  #sweepTimer: Timer | undefined;
  #nextToken = 1;
  #datagrams = 0;
  #uplinks = 0;
  #downlinks = 0;
  #malformed = 0;
  #refused = 0;

  constructor(options: SemtechUdpLinkOptions) {
    this.id = options.id;
    this.#options = options;
    this.#allowed = options.allowlist && new Set(options.allowlist.map((eui) => eui.toUpperCase()));
  }

  get receiveBufferBytes(): number | undefined {
    return this.#socket?.receiveBufferBytes;
  }

  get gatewayCount(): number {
    return this.#gateways.size;
  }

  counters(): SemtechUdpCounters {
    return {
      datagrams: this.#datagrams,
      uplinks: this.#uplinks,
      downlinks: this.#downlinks,
      malformed: this.#malformed,
      refused: this.#refused,
    };
  }

  input(): LinkInput {
    return { received: this.#datagrams, refused: this.#refused };
  }

  async start(sink: LinkSink): Promise<void> {
    if (this.#socket) return;
    const { host, port, logger } = this.#options;
    this.#sink = sink;
    sink.state({ phase: 'starting', address: `${host}:${port}` });
    let socket: UdpSocket;
    try {
      socket = await openUdpSocket({
        host,
        port,
        onDatagram: (bytes, source) => this.#receive(bytes, source),
        onError: (error) => logger.warn({ error: errorText(error) }, 'UDP socket error'),
      });
    } catch (error) {
      this.#fail(sink, error);
      return;
    }
    if (this.#sink !== sink) {
      // Stopped while the socket was being bound.
      await socket.close();
      return;
    }
    this.#socket = socket;
    this.#reportBuffer(socket);
    this.#scheduleSweep();
    sink.state({ phase: 'running', address: socket.address });
  }

  #fail(sink: LinkSink, error: unknown): void {
    const { host, port, explicitPort, logger } = this.#options;
    const address = `${host}:${port}`;
    const cause =
      error instanceof GatehouseError
        ? error
        : linkErrors.openFailed({ port: `UDP port ${address}`, reason: errorText(error) });
    logger.warn({ code: cause.code, explicitPort }, cause.message);
    sink.state(stateWithCause('failed', cause, address));
  }

  #reportBuffer(socket: UdpSocket): void {
    const granted = socket.receiveBufferBytes;
    const hint =
      granted >= GOOD_BUFFER_BYTES
        ? 'listening'
        : 'listening; the system granted a small receive buffer, so bursts may be lost (Linux: raise net.core.rmem_max)';
    this.#options.logger.info({ address: socket.address, receiveBufferBytes: granted }, hint);
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#options.clock.setTimer(SWEEP_INTERVAL_MS, () => {
      this.#sweep();
      this.#scheduleSweep();
    });
  }

  #sweep(): void {
    const { gone, pathLost } = this.#gateways.sweep(this.#options.clock.monotonic());
    for (const entry of gone) this.#gone(entry, 'nothing was heard from it for 3 minutes');
    for (const entry of pathLost) this.#tellConnection(entry);
    for (const entry of this.#gateways.nextFew(CHECKED_AT_ONCE)) {
      if (!this.#sink?.needsAuthentication?.(entry.gatewayEui)) continue;
      this.#gateways.remove(entry);
      this.#gone(entry, 'it has to authenticate itself, which its protocol cannot');
    }
  }

  #gone(entry: GatewayEntry, reason: string): void {
    entry.pending.giveUpAll(reason);
    this.#sink?.disconnected(entry.gatewayEui, reason);
  }

  #receive(bytes: Uint8Array, source: RemoteInfo): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#datagrams += 1;
    let used = false;
    try {
      used = this.#use(socket, bytes, source);
    } catch (error) {
      // A fault of ours; thrown further it would let one datagram end the program.
      this.#options.logger.error({ error }, 'a datagram could not be handled');
      this.#complain({ code: 'gatehouse/udp:internal_error', detail: errorText(error) }, bytes);
    }
    if (!used) this.#refused += 1;
  }

  /** Whether anything of the datagram was of use. */
  #use(socket: UdpSocket, bytes: Uint8Array, source: RemoteInfo): boolean {
    const { header, issue } = parseHeader(bytes);
    if (issue) {
      this.#complain(issue, bytes);
      return false;
    }
    if (this.#allowed && !this.#allowed.has(header.gatewayEui)) {
      const detail = `Gateway ${header.gatewayEui} at ${source.address} is not on the list of allowed gateways.`;
      this.#complain({ code: 'gatehouse/udp:not_allowed', detail }, bytes);
      return false;
    }
    switch (header.type) {
      case 'push_data':
        socket.send(encodeAck(header), source.port, source.address);
        return this.#pushData(header, bytes, source);
      case 'pull_data':
        socket.send(encodeAck(header), source.port, source.address);
        return this.#pullData(header, source, bytes);
      case 'tx_ack':
        return this.#txAck(header, bytes, source);
    }
  }

  #pushData(header: DatagramHeader, bytes: Uint8Array, source: RemoteInfo): boolean {
    const pushed = parsePushData(bytes, header.gatewayEui);
    const { issues, status, uplinks, wellFormed } = pushed;
    for (const issue of issues) this.#complain(issue, bytes);
    if (!wellFormed) return false;
    const entry = this.#contact(header, source, bytes, 'push');
    if (!entry) return false;
    for (const uplink of uplinks) {
      this.#uplinks += 1;
      this.#sink?.uplink(uplink);
    }
    if (status) this.#sink?.status(status);
    return uplinks.length > 0 || status !== undefined || issues.length === 0;
  }

  #pullData(header: DatagramHeader, source: RemoteInfo, bytes: Uint8Array): boolean {
    const issue = checkPullData(bytes);
    if (issue) {
      this.#complain(issue, bytes);
      return false;
    }
    const entry = this.#contact(header, source, bytes, 'pull');
    if (!entry) return false;
    const nowMs = this.#options.clock.monotonic();
    const path = { address: source.address, port: source.port, version: header.version };
    const { changed, collision } = this.#gateways.pull(entry, path, nowMs);
    if (changed) this.#tellConnection(entry);
    if (collision)
      this.#complain({ code: 'gatehouse/udp:eui_collision', detail: collision }, bytes);
    return true;
  }

  #txAck(header: DatagramHeader, bytes: Uint8Array, source: RemoteInfo): boolean {
    const { acknowledgment, issue } = parseTxAck(bytes);
    if (issue) this.#complain(issue, bytes);
    const entry = this.#gateways.get(header.gatewayEui);
    const nowMs = this.#options.clock.monotonic();
    const roundTripMs = entry?.pending.acknowledge(header.token, acknowledgment, nowMs);
    if (!entry || roundTripMs === undefined) {
      const detail = `Gateway ${header.gatewayEui} at ${source.address} acknowledges token ${header.token}, which no recent downlink has.`;
      this.#complain({ code: 'gatehouse/udp:unmatched_tx_ack', detail }, bytes);
      return false;
    }
    entry.lastSeenMs = nowMs;
    entry.pathSeenMs = nowMs;
    return true;
  }

  /** Notes that a gateway was heard. After a pull the caller tells about a new connection, once it set the path. */
  #contact(
    header: DatagramHeader,
    source: RemoteInfo,
    bytes: Uint8Array,
    by: 'push' | 'pull',
  ): GatewayEntry | undefined {
    const { gatewayEui } = header;
    const isServed = this.#gateways.get(gatewayEui) !== undefined;
    if (!isServed && this.#sink?.admits?.(gatewayEui) === false) {
      const detail = `Too many new gateways are registered already; ${gatewayEui} at ${source.address} is not served.`;
      this.#complain({ code: 'gatehouse/udp:too_many_new_gateways', detail }, bytes);
      return undefined;
    }
    if (!isServed && this.#sink?.needsAuthentication?.(gatewayEui)) {
      const detail = `Gateway ${gatewayEui} is registered as one that authenticates itself, which a packet forwarder such as the one at ${source.address} cannot.`;
      this.#complain({ code: 'gatehouse/udp:unauthenticated_gateway', detail }, bytes);
      return undefined;
    }
    const contact = this.#gateways.contact(
      gatewayEui,
      source,
      this.#options.clock.monotonic(),
      by === 'push',
    );
    if (!contact) {
      const detail = `${MOST_GATEWAYS} gateways are connected already; ${gatewayEui} at ${source.address} is not served.`;
      this.#complain({ code: 'gatehouse/udp:too_many_gateways', detail }, bytes);
      return undefined;
    }
    const { entry, changed, collision, evicted } = contact;
    if (evicted) this.#gone(evicted, 'its place was needed for a gateway that sends uplinks');
    if (changed && !(by === 'pull' && entry.path === undefined)) this.#tellConnection(entry);
    if (collision)
      this.#complain({ code: 'gatehouse/udp:eui_collision', detail: collision }, bytes);
    return entry;
  }

  #tellConnection(entry: GatewayEntry): void {
    this.#sink?.connected({
      gatewayEui: entry.gatewayEui,
      protocol: 'udp',
      remoteAddress: entry.address,
      downlinkReady: entry.path !== undefined,
    });
  }

  #complain(issue: Pick<DatagramIssue, 'code' | 'detail'>, bytes: Uint8Array): void {
    this.#malformed += 1;
    // A copy: a view would keep the whole receive buffer of the datagram alive.
    this.#sink?.malformed(issue.code, issue.detail, Uint8Array.from(bytes.subarray(0, RAW_BYTES)));
  }

  transmit(request: TxRequest): Promise<TxAcknowledgment> {
    const socket = this.#socket;
    const entry = this.#gateways.get(request.gatewayEui);
    const path = entry?.path;
    if (!socket || !entry || !path) {
      const detail = socket
        ? 'the gateway has sent no PULL_DATA lately, so there is no path to it'
        : 'the link does not run';
      return Promise.resolve({ result: 'no_acknowledgment', detail });
    }
    const txpk = txpkFromRequest(request);
    if (!txpk) {
      const detail = 'LR-FHSS cannot be transmitted by a gateway';
      return Promise.resolve({ result: 'unknown', detail });
    }
    const token = this.#nextToken;
    this.#nextToken = (token + 1) & 0xffff;
    this.#downlinks += 1;
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimer(ACKNOWLEDGMENT_TIMEOUT_MS, () => {
        const why =
          path.version === 1
            ? 'protocol version 1 has no transmit acknowledgement'
            : 'no TX_ACK came within 5 s';
        entry.pending.giveUp(token, why);
      });
      const settle = (acknowledgment: TxAcknowledgment): void => {
        timer.cancel();
        resolve(withGain(acknowledgment, request));
      };
      entry.pending.add({ token, sentAtMs: clock.monotonic(), settle });
      const datagram = encodePullResp(path.version, token, JSON.stringify({ txpk }));
      socket.send(datagram, path.port, path.address, (error) => {
        entry.pending.giveUp(token, errorText(error));
      });
    });
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    const sink = this.#sink;
    this.#socket = undefined;
    this.#sweepTimer?.cancel();
    this.#sweepTimer = undefined;
    for (const entry of this.#gateways.clear()) this.#gone(entry, 'the link was stopped');
    await socket?.close();
    sink?.state({ phase: 'stopped' });
    this.#sink = undefined;
  }
}
