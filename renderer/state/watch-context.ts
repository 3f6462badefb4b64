import { createContext, useContext } from 'react';
import type { Watch, WatchStore } from './watch.ts';

export const WatchContext = createContext<Watch | undefined>(undefined);

/** What the page's stream tells; re-renders only when the selected part changes. */
export function useWatch<T>(select: (state: WatchStore) => T): T {
  const watch = useContext(WatchContext);
  if (watch === undefined) throw new Error('WatchContext is not provided');
  return watch.store(select);
}
