import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { DeviceMemory, Simulator } from '../simulator/index.ts';
import type { MessageRow, Store } from '../store/index.ts';

/** What simulated devices keep over a restart of the program, as real ones do in flash. */
export interface DeviceMemories {
  /** What a stored device kept; nothing before it first changed. */
  read(row: MessageRow): DeviceMemory | undefined;
  /** Stores what a device keeps whenever that changes. Its row exists already. */
  follow(id: string): void;
  forget(id: string): void;
  close(): void;
}

export interface DeviceMemoriesOptions {
  readonly simulator: Pick<Simulator, 'memoryOf' | 'onEvent'>;
  readonly store: Pick<Store, 'unit' | 'simulatedDevices'>;
  readonly logger: Logger;
}

/** Grows when the form changes; a device with another form begins anew. */
const FORM = 1;

interface Stored {
  readonly form: number;
  readonly memory: DeviceMemory;
}

export function createDeviceMemories(options: DeviceMemoriesOptions): DeviceMemories {
  const { logger, simulator, store } = options;
  /** What is stored for each device that is followed. */
  const saved = new Map<string, string>();

  const save = (id: string): void => {
    const text = JSON.stringify({ form: FORM, memory: simulator.memoryOf(id) } satisfies Stored);
    if (text === saved.get(id)) return;
    saved.set(id, text);
    // A counter is stored while its frame is on the air, so that no gateway hears one that could be used again.
    store
      .unit(() => {
        const row = store.simulatedDevices.get(id);
        if (row) store.simulatedDevices.put({ ...row, message: new TextEncoder().encode(text) });
      })
      .catch((error: unknown) => {
        logger.warn(
          { error: errorText(error), id },
          'what a simulated device keeps was not stored',
        );
      });
  };
  const stop = simulator.onEvent((event) => {
    if (event.kind === 'changed' && saved.has(event.device.id)) save(event.device.id);
  });

  return {
    read({ message }) {
      if (message.length === 0) return undefined;
      const { form, memory } = JSON.parse(new TextDecoder().decode(message)) as Stored;
      return form === FORM ? memory : undefined;
    },
    follow: (id) => void saved.set(id, ''),
    forget: (id) => void saved.delete(id),
    close: stop,
  };
}
