import type { Frame } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { LinkStatus } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import type { SimulatedDevice } from '../../main/api/gen/gatehouse/v1/simulator_pb.js';
import type { WatchUpdate, WorkspaceInfo } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { timestampMs } from '../formats/time.ts';
import { mergeFrames } from './frame-ring.ts';

export type ConnectionPhase = 'connecting' | 'live' | 'lost' | 'unauthorized';

/** Everything the one stream tells. */
export interface WatchData {
  /** Newest frames, ascending by id. */
  readonly frames: readonly Frame[];
  /** All recorded frames, as far as known. */
  readonly recordedCount: number | undefined;
  /** Frames the stream left out because this page was too slow. They are recorded. */
  readonly skippedFrames: number;
  /** Undefined until the stream told. */
  readonly links: readonly LinkStatus[] | undefined;
  readonly simulatedDevices: readonly SimulatedDevice[] | undefined;
  readonly workspace: WorkspaceInfo | undefined;
  /** Build that served this page first. */
  readonly firstBuildId: string | undefined;
  /** Time of the newest reception by link id. */
  readonly lastFrameMsByLink: Readonly<Record<string, number>>;
}

export const EMPTY_WATCH_DATA: WatchData = {
  frames: [],
  recordedCount: undefined,
  skippedFrames: 0,
  links: undefined,
  simulatedDevices: undefined,
  workspace: undefined,
  firstBuildId: undefined,
  lastFrameMsByLink: {},
};

function newestReceptions(
  known: Readonly<Record<string, number>>,
  frames: readonly Frame[],
): Readonly<Record<string, number>> {
  let result: Record<string, number> | undefined;
  for (const reception of frames.flatMap((frame) => frame.receptions)) {
    const ms = timestampMs(reception.receivedAt);
    if (ms === undefined || ms <= ((result ?? known)[reception.linkId] ?? 0)) continue;
    result ??= { ...known };
    result[reception.linkId] = ms;
  }
  return result ?? known;
}

/** Adds recorded frames that were asked for; `total` is the count the answer carried. */
export function withRecordedFrames(
  data: WatchData,
  frames: readonly Frame[],
  total: number,
): WatchData {
  const merged = mergeFrames(data.frames, [...frames].reverse());
  return {
    ...data,
    frames: merged.frames,
    recordedCount: Math.max(total, merged.frames.length),
    lastFrameMsByLink: newestReceptions(data.lastFrameMsByLink, frames),
  };
}

/** Applies several updates at once, so that a burst costs one repaint. */
export function applyUpdates(data: WatchData, updates: readonly WatchUpdate[]): WatchData {
  const incoming = updates.flatMap((update) => update.frames);
  const skipped = updates.reduce((sum, update) => sum + Number(update.skippedFrames), 0);
  const merged = mergeFrames(data.frames, incoming);
  const links = updates.findLast((update) => update.linksIncluded)?.links;
  const simulated = updates.findLast((update) => update.simulatorIncluded)?.simulatedDevices;
  const workspace = updates.findLast((update) => update.workspace !== undefined)?.workspace;
  const counted =
    data.recordedCount === undefined ? undefined : data.recordedCount + merged.added + skipped;
  return {
    frames: merged.frames,
    recordedCount:
      workspace === undefined
        ? counted
        : Math.max(counted ?? 0, Number(workspace.frameCount), merged.frames.length),
    skippedFrames: data.skippedFrames + skipped,
    links: links ?? data.links,
    simulatedDevices: simulated ?? data.simulatedDevices,
    workspace: workspace ?? data.workspace,
    firstBuildId: data.firstBuildId ?? workspace?.buildId,
    lastFrameMsByLink: newestReceptions(data.lastFrameMsByLink, incoming),
  };
}
