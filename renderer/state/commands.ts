import { useEffect, useRef } from 'react';

/** Everything that can be asked of the page by key. */
export type Command =
  | 'show-frames'
  | 'show-devices'
  | 'show-gateways'
  | 'show-catalogue'
  | 'show-workspace'
  | 'add-device'
  | 'add-gateway'
  | 'find'
  | 'export-frames'
  | 'show-help'
  | 'toggle-pause';

type Handler = () => void;

export interface Commands {
  /** Carries the command out from now on, and at once if it waits for that. Answers how to stop. */
  on(command: Command, handler: Handler): () => void;
  /** Whether anything carried the command out. */
  run(command: Command): boolean;
  /** Leaves the command to the next one who registers for it: a page that is about to appear. */
  leave(command: Command): void;
}

/** Who carries out which command: the part of the page that appeared last. */
export function createCommands(): Commands {
  const handlers = new Map<Command, Handler[]>();
  let left: Command | undefined;
  return {
    on(command, handler) {
      handlers.set(command, [...(handlers.get(command) ?? []), handler]);
      if (left === command) {
        left = undefined;
        handler();
      }
      return () => {
        const others = (handlers.get(command) ?? []).filter((other) => other !== handler);
        handlers.set(command, others);
      };
    },
    run(command) {
      const handler = handlers.get(command)?.at(-1);
      handler?.();
      return handler !== undefined;
    },
    leave(command) {
      left = command;
    },
  };
}

/** The commands of this page. */
export const commands = createCommands();

/** Carries out a command as long as the component is there. */
export function useCommand(command: Command, handler: Handler): void {
  const newest = useRef(handler);
  newest.current = handler;
  useEffect(() => commands.on(command, () => newest.current()), [command]);
}
