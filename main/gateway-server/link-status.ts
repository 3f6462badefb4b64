import { create } from '@bufbuild/protobuf';
import { LinkPhase, type LinkStatus, LinkStatusSchema } from '../api/gen/gatehouse/v1/links_pb.js';
import { defineError } from '../base/errors.ts';
import type { GatewayLink, LinkState } from '../base/gateway-link.ts';
import { type Connection, connectionMessage, type LinkSettings } from './connection.ts';

/** A link and what it has told so far. */
export interface LinkEntry {
  readonly link: GatewayLink;
  readonly settings: LinkSettings;
  readonly connections: Map<string, Connection>;
  readonly malformed: Map<string, number>;
  state: LinkState;
  /** A gateway was turned away because too many new ones are registered. */
  turnedAway: boolean;
}

export const tooManyNew = defineError(
  'gatehouse/link:too_many_new_gateways',
  'RESOURCE_EXHAUSTED',
  'A gateway was heard that is not served: too many gateways nobody has looked at are registered already. Delete those you do not know, or register the gateway you miss by its EUI.',
);

const PHASES = {
  stopped: LinkPhase.STOPPED,
  starting: LinkPhase.STARTING,
  running: LinkPhase.RUNNING,
  waiting: LinkPhase.WAITING,
  failed: LinkPhase.FAILED,
} as const;

/** State of a link in the contract's form. */
export function linkStatusMessage(entry: LinkEntry, mayRegisterHeard: boolean): LinkStatus {
  const { link, state, connections, malformed } = entry;
  // Over as soon as there is room again.
  const full = entry.turnedAway && !mayRegisterHeard ? tooManyNew() : undefined;
  const input = link.input?.();
  return create(LinkStatusSchema, {
    phase: PHASES[state.phase],
    causeCode: state.causeCode ?? full?.code ?? '',
    causeText: state.causeText ?? full?.message ?? '',
    ...(input && {
      receivedCount: BigInt(input.received),
      refusedCount: BigInt(input.refused),
    }),
    address: state.address ?? '',
    gateways: [...connections.values()].map(connectionMessage),
    malformed: Object.fromEntries([...malformed].map(([code, count]) => [code, BigInt(count)])),
    singleChannel: link.capabilities.singleChannel,
    ...(link.receiveBufferBytes !== undefined && { receiveBufferBytes: link.receiveBufferBytes }),
  });
}
