import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  AppAs,
  type DecodeUplinkRequest,
  type DecodeUplinkResponse,
} from '../../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import type { EndDeviceIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinksSchema,
} from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { type Served, serve } from '../router.ts';

interface DeviceRef {
  readonly applicationId: string;
  readonly deviceId: string;
}

/** The application's side of the downlink queues. */
export interface QueuePort {
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  list(device: DeviceRef): readonly ApplicationDownlink[];
}

function refOf(ids: EndDeviceIdentifiers | undefined): DeviceRef {
  return { applicationId: ids?.applicationIds?.applicationId ?? '', deviceId: ids?.deviceId ?? '' };
}

/** Formatters tried out on messages that go nowhere. */
export interface FormatterTrialPort {
  decodeUplink(device: DeviceRef, request: DecodeUplinkRequest): Promise<DecodeUplinkResponse>;
}

/**
 * Downlink queues of applications, and uplink formatters tried out. Subscriptions, simulation and the trial of downlink
 * formatters answer `unimplemented` as yet.
 */
export function applicationTrafficService(queue: QueuePort & FormatterTrialPort): Served {
  return serve(AppAs, {
    async downlinkQueuePush({ endDeviceIds, downlinks }) {
      await queue.push(refOf(endDeviceIds), downlinks);
      return create(EmptySchema);
    },
    async downlinkQueueReplace({ endDeviceIds, downlinks }) {
      await queue.replace(refOf(endDeviceIds), downlinks);
      return create(EmptySchema);
    },
    downlinkQueueList: (ids) =>
      create(ApplicationDownlinksSchema, { downlinks: [...queue.list(refOf(ids))] }),
    decodeUplink: (request) => queue.decodeUplink(refOf(request.endDeviceIds), request),
  });
}
