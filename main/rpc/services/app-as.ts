import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  AppAs,
  type DecodeDownlinkRequest,
  type DecodeDownlinkResponse,
  type DecodeUplinkRequest,
  type DecodeUplinkResponse,
  type EncodeDownlinkRequest,
  type EncodeDownlinkResponse,
} from '../../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import type { EndDeviceIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinksSchema,
  type ApplicationUp,
} from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { type Served, serve } from '../router.ts';
import { type SubscriptionOptions, subscribeToApplication } from './application-subscription.ts';

interface DeviceRef {
  readonly applicationId: string;
  readonly deviceId: string;
}

/** The application's side of the downlink queues. */
export interface QueuePort {
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  listDecoded(device: DeviceRef): Promise<ApplicationDownlink[]>;
}

function refOf(ids: EndDeviceIdentifiers | undefined): DeviceRef {
  return { applicationId: ids?.applicationIds?.applicationId ?? '', deviceId: ids?.deviceId ?? '' };
}

/** Formatters tried out on messages that go nowhere. */
export interface FormatterTrialPort {
  decodeUplink(device: DeviceRef, request: DecodeUplinkRequest): Promise<DecodeUplinkResponse>;
  encodeDownlink(
    device: DeviceRef,
    request: EncodeDownlinkRequest,
  ): Promise<EncodeDownlinkResponse>;
  decodeDownlink(
    device: DeviceRef,
    request: DecodeDownlinkRequest,
  ): Promise<DecodeDownlinkResponse>;
}

/** Messages made up by clients. */
export interface SimulationPort {
  simulateUplink(device: DeviceRef, up: ApplicationUp): Promise<void>;
}

/** Traffic of applications: what comes up, downlink queues, messages made up, and formatters tried out. */
export function applicationTrafficService(
  queue: QueuePort & FormatterTrialPort & SimulationPort,
  subscriptions: SubscriptionOptions,
): Served {
  return serve(AppAs, {
    subscribe: ({ applicationId }, call) =>
      subscribeToApplication(applicationId, call, subscriptions),
    async simulateUplink(up) {
      await queue.simulateUplink(refOf(up.endDeviceIds), up);
      return create(EmptySchema);
    },
    async downlinkQueuePush({ endDeviceIds, downlinks }) {
      await queue.push(refOf(endDeviceIds), downlinks);
      return create(EmptySchema);
    },
    async downlinkQueueReplace({ endDeviceIds, downlinks }) {
      await queue.replace(refOf(endDeviceIds), downlinks);
      return create(EmptySchema);
    },
    downlinkQueueList: async (ids) =>
      create(ApplicationDownlinksSchema, { downlinks: await queue.listDecoded(refOf(ids)) }),
    decodeUplink: (request) => queue.decodeUplink(refOf(request.endDeviceIds), request),
    encodeDownlink: (request) => queue.encodeDownlink(refOf(request.endDeviceIds), request),
    decodeDownlink: (request) => queue.decodeDownlink(refOf(request.endDeviceIds), request),
  });
}
