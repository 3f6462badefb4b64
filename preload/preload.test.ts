import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createDesktopCapability } from './bridge.ts';
import { CHANNELS } from './channels.ts';
import { listenToCommands } from './listen-to-commands.ts';

function capability() {
  const ipc = new EventEmitter();
  return { ipc, capability: createDesktopCapability(ipc as never) };
}

describe('menu commands', () => {
  it('reach the page without the event, and only those it knows', () => {
    const { ipc, capability: gatehouse } = capability();
    const received: unknown[][] = [];
    gatehouse.onCommand((...values) => received.push(values));
    ipc.emit(CHANNELS.command, { sender: 'secret' }, 'find');
    ipc.emit(CHANNELS.command, {}, 'format-disk');
    ipc.emit(CHANNELS.command, {}, { toString: () => 'find' });
    expect(received).toEqual([['find']]);
  });

  it('stop when the listener is taken back', () => {
    const { ipc, capability: gatehouse } = capability();
    const stop = gatehouse.onCommand(() => undefined);
    expect(ipc.listenerCount(CHANNELS.command)).toBe(1);
    stop();
    expect(ipc.listenerCount(CHANNELS.command)).toBe(0);
  });

  it('stop when a signal aborts', () => {
    const { ipc, capability: gatehouse } = capability();
    const controller = new AbortController();
    listenToCommands(gatehouse, () => undefined, controller.signal);
    expect(ipc.listenerCount(CHANNELS.command)).toBe(1);
    controller.abort();
    expect(ipc.listenerCount(CHANNELS.command)).toBe(0);
    listenToCommands(gatehouse, () => undefined, controller.signal);
    expect(ipc.listenerCount(CHANNELS.command)).toBe(0);
  });
});

describe('the capability object', () => {
  it('holds nothing but its own functions', () => {
    const { capability: gatehouse } = capability();
    expect(Object.keys(gatehouse).toSorted()).toEqual([
      'onCommand',
      'pickFile',
      'saveFile',
      'shell',
      'theme',
    ]);
  });
});
