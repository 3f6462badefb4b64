import { create } from '@bufbuild/protobuf';
import {
  type Link,
  LinkSchema,
  type LinkStatus,
} from '../../../main/api/gen/gatehouse/v1/links_pb.js';
import { parseMegahertz } from '../../formats/radio.ts';

export type LinkKind = 'semtechUdp' | 'atModem' | 'virtual';

/** What the form for a link holds, as typed. */
export interface LinkDraft {
  readonly kind: LinkKind;
  readonly name: string;
  readonly frequencyPlanId: string;
  /** Whom the listener is open to. */
  readonly reach: 'computer' | 'network';
  readonly port: number;
  readonly path: string;
  readonly baudRate: number;
  readonly frequencyMhz: string;
  readonly spreadingFactor: number;
  readonly bandwidthHz: number;
}

export const LOOPBACK = '127.0.0.1';
export const EVERYWHERE = '0.0.0.0';

export const INITIAL_LINK: LinkDraft = {
  kind: 'semtechUdp',
  name: '',
  frequencyPlanId: '',
  reach: 'computer',
  port: 1700,
  path: '',
  baudRate: 9600,
  frequencyMhz: '868.1',
  spreadingFactor: 7,
  bandwidthHz: 125_000,
};

export function draftFromLink(link: Link): LinkDraft {
  const common = {
    ...INITIAL_LINK,
    name: link.name,
    frequencyPlanId: link.frequencyPlanId,
  };
  switch (link.config.case) {
    case 'semtechUdp': {
      const { host, port } = link.config.value;
      const reach = host === LOOPBACK || host === 'localhost' ? 'computer' : 'network';
      return { ...common, kind: 'semtechUdp', reach, port };
    }
    case 'atModem': {
      const modem = link.config.value;
      return {
        ...common,
        kind: 'atModem',
        path: modem.path,
        baudRate: modem.baudRate,
        frequencyMhz: String(Number(modem.frequencyHz) / 1e6),
        spreadingFactor: modem.spreadingFactor,
        bandwidthHz: modem.bandwidthHz,
      };
    }
    case 'virtual':
    case undefined:
      return { ...common, kind: 'virtual' };
  }
}

export type LinkProblems = Partial<Record<keyof LinkDraft, string>>;

export function linkProblems(draft: LinkDraft): LinkProblems {
  const problems: LinkProblems = {};
  if (draft.name.length > 50) problems.name = 'At most 50 characters';
  if (draft.kind === 'semtechUdp' && !(draft.port >= 0 && draft.port <= 65_535)) {
    problems.port = '0 to 65535; 0 takes any free port';
  }
  if (draft.kind !== 'atModem') return problems;
  if (draft.path.trim() === '') problems.path = 'Choose a port or type its path';
  if (draft.frequencyPlanId === '') problems.frequencyPlanId = 'Choose a frequency plan';
  if (parseMegahertz(draft.frequencyMhz) === undefined) {
    problems.frequencyMhz = 'A frequency in MHz, such as 868.1';
  }
  return problems;
}

function hiddenModemSettings(former: Link | undefined) {
  if (former?.config.case !== 'atModem') return {};
  const { transmitOffsetMs, gatewayEui } = former.config.value;
  return { transmitOffsetMs, gatewayEui };
}

function virtualConfig(former: Link | undefined) {
  return former?.config.case === 'virtual' ? { gatewayEui: former.config.value.gatewayEui } : {};
}

function configOf(draft: LinkDraft, former: Link | undefined) {
  switch (draft.kind) {
    case 'semtechUdp':
      return {
        case: 'semtechUdp' as const,
        value: { host: draft.reach === 'computer' ? LOOPBACK : EVERYWHERE, port: draft.port },
      };
    case 'atModem':
      return {
        case: 'atModem' as const,
        value: {
          ...hiddenModemSettings(former),
          path: draft.path.trim(),
          baudRate: draft.baudRate,
          frequencyHz: BigInt(parseMegahertz(draft.frequencyMhz) ?? 0),
          spreadingFactor: draft.spreadingFactor,
          bandwidthHz: draft.bandwidthHz,
        },
      };
    case 'virtual':
      return {
        case: 'virtual' as const,
        value: virtualConfig(former),
      };
  }
}

const DEFAULT_NAMES: Readonly<Record<LinkKind, string>> = {
  semtechUdp: 'Packet forwarders',
  atModem: 'Serial modem',
  virtual: 'Virtual gateway',
};

/** The link as the server wants it; `former` keeps what the form does not show. */
export function draftToLink(draft: LinkDraft, former?: Link): Link {
  return create(LinkSchema, {
    id: former?.id ?? '',
    name: draft.name.trim() || DEFAULT_NAMES[draft.kind],
    enabled: former?.enabled ?? true,
    demo: former?.demo ?? false,
    frequencyPlanId: draft.frequencyPlanId,
    config: configOf(draft, former),
  });
}

/** The listener, other than the one being changed, that holds the port of the draft. */
export function linkOnPort(
  links: readonly LinkStatus[],
  draft: LinkDraft,
  changed: Link | undefined,
): LinkStatus | undefined {
  if (draft.kind !== 'semtechUdp' || draft.port === 0) return undefined;
  return links.find(({ link, address }) => {
    if (link?.config.case !== 'semtechUdp' || link.id === changed?.id || !link.enabled)
      return false;
    const port = address === '' ? link.config.value.port : Number(address.split(':').at(-1));
    return port === draft.port;
  });
}

/** The part of a packet forwarder's configuration that points it here. */
export function gatewayConf(serverAddress: string, port: number): string {
  return JSON.stringify(
    {
      gateway_conf: {
        server_address: serverAddress,
        serv_port_up: port,
        serv_port_down: port,
        keepalive_interval: 10,
        stat_interval: 30,
        push_timeout_ms: 100,
        forward_crc_valid: true,
        forward_crc_error: false,
        forward_crc_disabled: false,
      },
    },
    null,
    2,
  );
}
