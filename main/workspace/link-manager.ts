import { randomBytes, randomUUID } from 'node:crypto';
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Link,
  LinkSchema,
  type LinkStatus,
  LinkStatusSchema,
} from '../api/gen/gatehouse/v1/links_pb.js';
import type { Clock } from '../base/clock.ts';
import { defineError } from '../base/errors.ts';
import type { GatewayLink } from '../base/gateway-link.ts';
import type { Logger } from '../base/logger.ts';
import { createAtModemLink } from '../concentrator/at-modem/at-modem-link.ts';
import { createSemtechUdpLink } from '../concentrator/semtech-udp/semtech-udp-link.ts';
import type { GatewayServer } from '../gateway-server/index.ts';
import { eui64FromBytes, frequencyPlan } from '../lorawan/index.ts';
import type { Simulator } from '../simulator/index.ts';
import type { Store } from '../store/index.ts';

const linkNotFound = defineError(
  'gatehouse/link:not_found_by_id',
  'NOT_FOUND',
  'There is no link {id}. Look at the list of links.',
);
const unknownPlan = defineError(
  'pkg/frequencyplans:not_found',
  'NOT_FOUND',
  'There is no frequency plan {id}. Choose one of the list.',
);
const noKind = defineError(
  'gatehouse/link:no_kind',
  'INVALID_ARGUMENT',
  'The link has no settings of a kind. Say whether it is for packet forwarders, a modem or virtual.',
);
const noGatewayEui = defineError(
  'gatehouse/link:no_gateway_eui',
  'INVALID_ARGUMENT',
  'A virtual gateway needs a Gateway EUI. Give it one.',
);
const badModem = defineError(
  'gatehouse/link:bad_modem',
  'INVALID_ARGUMENT',
  'A serial modem needs a Gateway EUI, a frequency and a data rate. Fill them in.',
);

/** The links of a workspace: their settings in the store, their life in the gateway server. */
export interface LinkManager {
  list(): LinkStatus[];
  create(link: Link): Promise<LinkStatus>;
  /** Adds a link that belongs to the demonstration. */
  createDemo(link: Link): Promise<LinkStatus>;
  /** Adds a link under the id it has, unless there is one. */
  ensure(link: Link): Promise<void>;
  update(link: Link): Promise<LinkStatus>;
  delete(id: string): Promise<void>;
  /** Starts every enabled link. */
  start(): Promise<void>;
  onChange(listener: () => void): () => void;
}

export interface LinkManagerOptions {
  readonly store: Pick<Store, 'unit' | 'links'>;
  readonly gatewayServer: GatewayServer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly simulator: Simulator;
  /** Address of the built-in listener for packet forwarders; one that differs from the default goes before the stored one. */
  readonly udp: { readonly host: string; readonly port: number; readonly explicit: boolean };
}

/** Id of the listener for packet forwarders that every workspace has. */
export const BUILT_IN_UDP = 'udp';

/** Where the command line wants the built-in listener; undefined if it does not say, or was overruled since. */
type FlaggedAddress = LinkManagerOptions['udp'] | undefined;

/** Where the built-in listener is unless someone says otherwise. */
const DEFAULT_UDP = { host: '127.0.0.1', port: 1_700 };

function flaggedAddress({ udp }: LinkManagerOptions): FlaggedAddress {
  const isDefault = udp.host === DEFAULT_UDP.host && udp.port === DEFAULT_UDP.port;
  return udp.explicit || !isDefault ? udp : undefined;
}

/** The driver of a link's settings. */
function driverOf(
  link: Link,
  { clock, logger, simulator }: LinkManagerOptions,
  flagged: FlaggedAddress,
): GatewayLink {
  const { config, id } = link;
  if (config.case === 'semtechUdp') {
    const builtIn = id === BUILT_IN_UDP;
    const address = (builtIn ? flagged : undefined) ?? config.value;
    return createSemtechUdpLink({
      id,
      host: address.host || '127.0.0.1',
      port: address.port,
      explicitPort: builtIn ? flagged?.explicit === true : true,
      clock,
      logger: logger.area('semtech_udp'),
    });
  }
  if (config.case === 'atModem') {
    const { bandwidthHz, frequencyHz, gatewayEui, path, spreadingFactor } = config.value;
    if (gatewayEui.length === 0 || frequencyHz === 0n) throw badModem();
    return createAtModemLink({
      id,
      path,
      baudRate: config.value.baudRate || 9_600,
      gatewayEui: eui64FromBytes(gatewayEui),
      channel: {
        frequencyHz: Number(frequencyHz),
        modulation: { spreadingFactor, bandwidthHz: bandwidthHz || 125_000 },
      },
      transmitOffsetMs: config.value.transmitOffsetMs,
      clock,
      logger: logger.area('at_modem'),
    });
  }
  if (config.case === 'virtual') {
    if (config.value.gatewayEui.length === 0) throw noGatewayEui();
    const known = simulator.gateways().find((one) => one.id === id);
    return (
      known ?? simulator.addGateway({ id, gatewayEui: eui64FromBytes(config.value.gatewayEui) })
    );
  }
  throw noKind();
}

/** Set in EUIs that nobody assigned: the bit of locally administered addresses. */
const LOCALLY_ADMINISTERED = 0x02;

/** Modems and virtual gateways have no EUI of their own; one that is not given is drawn once and kept. */
function giveEui({ config }: Link): void {
  if (config.case !== 'atModem' && config.case !== 'virtual') return;
  if (config.value.gatewayEui.length > 0) return;
  const eui = new Uint8Array(randomBytes(8));
  eui[0] = LOCALLY_ADMINISTERED;
  config.value.gatewayEui = eui;
}

function sameAddress({ config: left }: Link, { config: right }: Link): boolean {
  if (left.case !== 'semtechUdp' || right.case !== 'semtechUdp') return left.case === right.case;
  return left.value.host === right.value.host && left.value.port === right.value.port;
}

/** Creates the manager; `start` brings the stored links up. */
export function createLinkManager(options: LinkManagerOptions): LinkManager {
  const { clock, gatewayServer, simulator, store } = options;
  let flagged = flaggedAddress(options);

  const stored = (): Link[] =>
    store.links.list().map(({ message }) => fromBinary(LinkSchema, message));
  const find = (id: string): Link => {
    const row = store.links.get(id);
    if (!row) throw linkNotFound({ id });
    return fromBinary(LinkSchema, row.message);
  };
  const statusOf = (link: Link): LinkStatus => {
    const status = gatewayServer.statusOf(link.id) ?? create(LinkStatusSchema, { phase: 1 });
    return { ...status, link };
  };
  const apply = async (link: Link): Promise<void> => {
    await gatewayServer.remove(link.id);
    if (!link.enabled) return;
    await gatewayServer.add(driverOf(link, options, flagged), {
      frequencyPlanId: link.frequencyPlanId,
    });
  };
  const save = async (link: Link): Promise<LinkStatus> => {
    const plan = link.frequencyPlanId;
    if (plan !== '' && !frequencyPlan(plan)) throw unknownPlan({ id: plan });
    // A driver that cannot be made is refused before anything is stored.
    if (link.enabled) driverOf(link, options, flagged);
    await store.unit(() => store.links.put({ id: link.id, message: toBinary(LinkSchema, link) }));
    await apply(link);
    return statusOf(link);
  };
  const add = (link: Link, demo: boolean): Promise<LinkStatus> => {
    const added = clone(LinkSchema, link);
    added.id = `link-${randomUUID().slice(0, 8)}`;
    added.createdAt = timestampFromMs(clock.now());
    added.demo = demo;
    giveEui(added);
    return save(added);
  };
  const builtIn = (): Link =>
    create(LinkSchema, {
      id: BUILT_IN_UDP,
      name: 'Packet forwarders',
      enabled: true,
      config: { case: 'semtechUdp', value: DEFAULT_UDP },
      createdAt: timestampFromMs(clock.now()),
    });

  return {
    list: () => stored().map(statusOf),
    create: (link) => add(link, false),
    createDemo: (link) => add(link, true),
    async ensure(link) {
      if (store.links.get(link.id)) return;
      await save(create(LinkSchema, { ...link, createdAt: timestampFromMs(clock.now()) }));
    },
    update(link) {
      const before = find(link.id);
      const changed = clone(LinkSchema, link);
      if (before.createdAt) changed.createdAt = before.createdAt;
      changed.demo = before.demo;
      if (changed.config.case === undefined) changed.config = before.config;
      // Another address chosen by hand goes before the one the program was started with.
      if (link.id === BUILT_IN_UDP && !sameAddress(before, changed)) flagged = undefined;
      return save(changed);
    },
    async delete(id) {
      find(id);
      await gatewayServer.remove(id);
      if (simulator.gateways().some((one) => one.id === id)) await simulator.removeGateway(id);
      await store.unit(() => store.links.delete(id));
    },
    async start() {
      if (!store.links.get(BUILT_IN_UDP)) {
        const link = builtIn();
        await store.unit(() =>
          store.links.put({ id: link.id, message: toBinary(LinkSchema, link) }),
        );
      }
      for (const link of stored()) await apply(link);
    },
    onChange: (listener) => gatewayServer.onChange(() => listener()),
  };
}
