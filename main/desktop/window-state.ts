import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Display, Rectangle } from 'electron';

/** Where the window was when it was last closed. */
export interface WindowState {
  readonly bounds: Rectangle;
  readonly maximized: boolean;
}

export const DEFAULT_SIZE = { width: 1280, height: 840 };
export const MINIMUM_SIZE = { width: 720, height: 480 };

/** Part of the window that has to be on a display, so that it can be found and dragged. */
const VISIBLE_SHARE = 0.25;

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

const within = (value: number, low: number, high: number): number =>
  Math.max(low, Math.min(value, high));

/** Moves and shrinks bounds into a work area. */
function fitInto(bounds: Rectangle, area: Rectangle): Rectangle {
  const width = Math.min(Math.max(bounds.width, MINIMUM_SIZE.width), area.width);
  const height = Math.min(Math.max(bounds.height, MINIMUM_SIZE.height), area.height);
  return {
    x: within(bounds.x, area.x, area.x + area.width - width),
    y: within(bounds.y, area.y, area.y + area.height - height),
    width,
    height,
  };
}

/** Bounds that are visible on today's displays: the saved ones, fitted into the display that shows most of them. */
export function visibleBounds(
  saved: Rectangle | undefined,
  displays: readonly Pick<Display, 'workArea'>[],
  primary: Pick<Display, 'workArea'>,
): Rectangle {
  const area = primary.workArea;
  const centred = fitInto(
    {
      ...DEFAULT_SIZE,
      x: area.x + Math.round((area.width - DEFAULT_SIZE.width) / 2),
      y: area.y + Math.round((area.height - DEFAULT_SIZE.height) / 2),
    },
    area,
  );
  if (!saved) return centred;
  let best: Rectangle | undefined;
  for (const { workArea } of displays) {
    if (!best || overlap(saved, workArea) > overlap(saved, best)) best = workArea;
  }
  const visible = best ? overlap(saved, best) : 0;
  if (!best || visible < saved.width * saved.height * VISIBLE_SHARE) {
    return fitInto({ ...centred, width: saved.width, height: saved.height }, area);
  }
  return fitInto(saved, best);
}

function isRectangle(value: unknown): value is Rectangle {
  if (typeof value !== 'object' || value === null) return false;
  const { x, y, width, height } = value as Partial<Record<keyof Rectangle, unknown>>;
  return (
    [x, y, width, height].every((number) => Number.isSafeInteger(number)) &&
    Number(width) > 0 &&
    Number(height) > 0
  );
}

/** Reads saved state; anything unreadable counts as none. */
export function readWindowState(path: string): WindowState | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null || !('bounds' in value)) return undefined;
    if (!isRectangle(value.bounds)) return undefined;
    const { x, y, width, height } = value.bounds;
    return {
      bounds: { x, y, width, height },
      maximized: 'maximized' in value && value.maximized === true,
    };
  } catch {
    return undefined;
  }
}

/** Saves state in one step, so that a crash leaves the old or the new file. */
export function writeWindowState(path: string, state: WindowState): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(state));
  renameSync(temporary, path);
}
