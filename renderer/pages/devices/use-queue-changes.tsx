import { Code, ConnectError } from '@connectrpc/connect';
import type { ApplicationDownlink } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { notifyProblem, notifyUndo } from '../../components/notify.tsx';
import { useAction } from '../../state/use-action.ts';
import { ownItems, queueKey, queueWith, queueWithout } from './downlink-queue.ts';
import { type DeviceDetails, endDeviceIds } from './use-device.ts';

export interface QueueChanges {
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  remove(item: ApplicationDownlink): Promise<void>;
  clear(): Promise<void>;
}

function describe(items: readonly ApplicationDownlink[]): string {
  const [first] = items;
  if (items.length !== 1 || first === undefined) return `${items.length} downlinks were taken out`;
  return `The downlink on FPort ${first.fPort} was taken out`;
}

/**
 * Changes of a device's queue that can be undone. The API knows no deletion of one item, so the queue is read again at that
 * moment and replaced by the rest.
 */
export function useQueueChanges(details: DeviceDetails, reload: () => void): QueueChanges {
  const api = useApi();
  const ids = endDeviceIds(details);
  const read = async () => (await api.appAs.downlinkQueueList(ids)).downlinks;
  const replace = async (downlinks: readonly ApplicationDownlink[]): Promise<void> => {
    await api.appAs.downlinkQueueReplace({ endDeviceIds: ids, downlinks: [...downlinks] });
    reload();
  };
  const offerUndo = (items: readonly ApplicationDownlink[], position: number): void =>
    notifyUndo(describe(items), 'The device will not get it.', () => {
      read()
        .then((queue) => replace(queueWith(queue, items, position)))
        .catch(notifyProblem);
    });
  const change = useAction(async (item: ApplicationDownlink | undefined) => {
    const queue = await read();
    const items = ownItems(queue);
    if (item === undefined) {
      await replace([]);
      if (items.length > 0) offerUndo(items, 0);
      return;
    }
    const rest = queueWithout(queue, queueKey(item));
    if (rest === undefined) {
      reload();
      throw new ConnectError(
        'It has left the queue already: it was sent, or someone else took it out.',
        Code.FailedPrecondition,
      );
    }
    await replace(rest);
    offerUndo(
      [item],
      items.findIndex((other) => queueKey(other) === queueKey(item)),
    );
  });
  return {
    busy: change.busy,
    problem: change.problem,
    remove: async (item) => void (await change.run(item)),
    clear: async () => void (await change.run(undefined)),
  };
}
