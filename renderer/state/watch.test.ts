import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Frames } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { type WatchRequest, Workspace } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { createApi } from '../client/api.ts';
import { createWatch, type Watch } from './watch.ts';

const pace = { schedule: (task: () => void) => queueMicrotask(task) };
let running: Watch | undefined;

afterEach(() => {
  running?.stop();
  running = undefined;
});

type Script = (request: WatchRequest, attempt: number) => AsyncGenerator<object>;

function startWatch(script: Script, recorded: readonly number[] = []) {
  const requests: WatchRequest[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(Workspace, {
      async *watch(request: WatchRequest) {
        requests.push(request);
        yield* script(request, requests.length);
      },
    });
    service(Frames, {
      list: () => ({
        frames: recorded.map((id) => ({ id: BigInt(id) })),
        total: BigInt(recorded.length),
      }),
    });
  });
  running = createWatch(createApi(transport), pace);
  running.start();
  return { store: running.store, requests };
}

function idsOf(store: Watch['store']): number[] {
  return store.getState().frames.map(({ id }) => Number(id));
}

describe('the watch store', () => {
  it('goes live and puts recorded and new frames together', async () => {
    const { store } = startWatch(
      async function* () {
        yield { frames: [{ id: 4n }], workspace: { buildId: 'b' } };
        await new Promise(() => undefined);
      },
      [3, 2, 1],
    );
    await vi.waitFor(() => expect(idsOf(store)).toEqual([1, 2, 3, 4]));
    expect(store.getState().phase).toBe('live');
  });

  it('connects again after a loss and asks for what it missed', async () => {
    const { store, requests } = startWatch(async function* (_request, attempt) {
      yield { frames: [{ id: BigInt(attempt * 10) }] };
      if (attempt === 1) return;
      await new Promise(() => undefined);
    });
    await vi.waitFor(() => expect(store.getState().phase).toBe('lost'));
    expect(store.getState().retryAtMs).toBeDefined();
    store.getState().retryNow();
    await vi.waitFor(() => expect(idsOf(store)).toEqual([10, 20]));
    expect(requests.map((request) => request.framesAfterId)).toEqual([0n, 10n]);
    expect(store.getState()).toMatchObject({ phase: 'live', attempt: 0 });
  });

  it('stops asking when there is no session', async () => {
    const { store, requests } = startWatch(async function* () {
      yield* [];
      throw new ConnectError('no session', Code.Unauthenticated);
    });
    await vi.waitFor(() => expect(store.getState().phase).toBe('unauthorized'));
    expect(requests).toHaveLength(1);
  });
});
