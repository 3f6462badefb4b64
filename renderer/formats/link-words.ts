import { LinkPhase, type LinkStatus } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import { ago, timestampMs } from './time.ts';

export interface PhaseWords {
  readonly label: string;
  readonly color: string;
}

const PHASES: Readonly<Record<LinkPhase, PhaseWords>> = {
  [LinkPhase.UNSPECIFIED]: { label: 'Unknown', color: 'gray' },
  [LinkPhase.STOPPED]: { label: 'Off', color: 'gray' },
  [LinkPhase.STARTING]: { label: 'Starting', color: 'blue' },
  [LinkPhase.RUNNING]: { label: 'Running', color: 'teal' },
  [LinkPhase.WAITING]: { label: 'Waiting', color: 'yellow' },
  [LinkPhase.FAILED]: { label: 'Failed', color: 'red' },
};

export function phaseWords(phase: LinkPhase): PhaseWords {
  return PHASES[phase] ?? PHASES[LinkPhase.UNSPECIFIED];
}

/** What kind of link it is, as the user knows it. */
export function linkKind(status: LinkStatus): string {
  switch (status.link?.config.case) {
    case 'semtechUdp':
      return 'Packet forwarders (UDP)';
    case 'atModem':
      return 'Serial modem';
    case 'virtual':
      return 'Virtual gateway';
    case undefined:
      return 'Link';
  }
}

/** Short name for the status line: `UDP 127.0.0.1:1700`. */
export function linkTitle(status: LinkStatus): string {
  const config = status.link?.config;
  switch (config?.case) {
    case 'semtechUdp':
      return `UDP ${status.address || `${config.value.host}:${config.value.port}`}`;
    case 'atModem':
      return `Serial ${status.address || config.value.path}`;
    case 'virtual':
      return status.link?.name || 'Virtual gateway';
    case undefined:
      return status.link?.name ?? 'Link';
  }
}

function newest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** When the link's gateways last said something; `heardMs` comes from the frames on screen. */
export function linkActivity(
  status: LinkStatus,
  heardMs: number | undefined,
): { readonly lastFrameMs: number | undefined; readonly lastStatusMs: number | undefined } {
  return {
    lastFrameMs: newest([heardMs, ...status.gateways.map((it) => timestampMs(it.lastFrameAt))]),
    lastStatusMs: newest(status.gateways.map((it) => timestampMs(it.lastStatusAt))),
  };
}

/** `last frame 3 s ago`, or `no frame yet`. */
export function frameAge(ms: number | undefined, nowMs: number): string {
  return ms === undefined ? 'no frame yet' : `last frame ${ago(ms, nowMs)}`;
}

/** The same of a packet forwarder's own statistics, which come without any frame too. */
export function statisticsAge(ms: number | undefined, nowMs: number): string {
  return ms === undefined ? 'no statistics yet' : `last statistics ${ago(ms, nowMs)}`;
}
