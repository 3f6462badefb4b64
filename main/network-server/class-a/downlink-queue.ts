import type { ApplicationDownlink } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { defineError } from '../../base/errors.ts';
import type { DeviceRef, DownlinkQueue } from '../application-handler.ts';
import type { NetworkDevice, NetworkRegistry, NetworkStore } from '../ports.ts';

const deviceNotFound = defineError(
  'pkg/networkserver:device_not_found',
  'NOT_FOUND',
  'The network server does not know device {device_id}. Register it there.',
);
const unknownSession = defineError(
  'pkg/networkserver:unknown_session',
  'NOT_FOUND',
  'The downlink is for a session that no longer exists. Queue it again.',
);
const fCntTooLow = defineError(
  'pkg/networkserver:f_cnt_too_low',
  'INVALID_ARGUMENT',
  'The counter {f_cnt} was used already; the next one is {min_f_cnt_down}.',
);
const capacity = defineError(
  'pkg/networkserver:downlink_queue_capacity',
  'RESOURCE_EXHAUSTED',
  'More than {capacity} downlinks would wait for the device. Wait until some are sent, or replace the queue.',
);

/** Downlinks that may wait for one device. */
const CAPACITY = 10_000;

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The network server's downlink queues. */
export function createDownlinkQueue(store: NetworkStore, registry: NetworkRegistry): DownlinkQueue {
  const find = ({ applicationId, deviceId }: DeviceRef): NetworkDevice => {
    const device = registry.networkDeviceByIds(applicationId, deviceId);
    if (!device) throw deviceNotFound({ device_id: deviceId });
    return device;
  };

  const append = (device: NetworkDevice, items: readonly ApplicationDownlink[]): void => {
    const { current, pending } = store.networkSessions.byDevice(device.row);
    for (const item of items) {
      const session = [current, pending].find(
        (one) => one && same(one.sessionKeyId, item.sessionKeyId),
      );
      if (!session) throw unknownSession();
      const queued = store.downlinkQueue
        .list(device.row)
        .filter((one) => same(one.sessionKeyId, session.sessionKeyId))
        .map((one) => one.downlink.fCnt);
      const minimum = Math.max(session.lastNFCntDown ?? -1, ...queued) + 1;
      if (item.fCnt < minimum) throw fCntTooLow({ f_cnt: item.fCnt, min_f_cnt_down: minimum });
      store.downlinkQueue.push(device.row, session.sessionKeyId, [item]);
    }
    if (store.downlinkQueue.count(device.row) > CAPACITY) throw capacity({ capacity: CAPACITY });
  };

  return {
    push: (ref, items) => store.unit(() => append(find(ref), items)),
    replace: (ref, items) =>
      store.unit(() => {
        const device = find(ref);
        store.downlinkQueue.clear(device.row);
        append(device, items);
      }),
    list(ref) {
      const device = find(ref);
      const { current, pending } = store.networkSessions.byDevice(device.row);
      const session = current ?? pending;
      if (!session) return [];
      return store.downlinkQueue
        .list(device.row)
        .filter((one) => same(one.sessionKeyId, session.sessionKeyId))
        .map((one) => one.downlink);
    },
  };
}
