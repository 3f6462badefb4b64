import { useEffect, useMemo, useState } from 'react';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { useLoad } from '../../state/use-load.ts';
import { deviceMatches } from './device-list.ts';

/** Orders the server knows; a minus turns them round. */
export type DeviceOrder = 'device_id' | 'name' | 'created_at' | 'last_seen_at';

export interface DeviceQuery {
  readonly applicationId: string;
  readonly search: string;
  readonly orderBy: DeviceOrder;
  readonly descending: boolean;
  /** From 1. */
  readonly page: number;
  /** Changes whenever a device came or went. */
  readonly version: string;
}

export interface DevicePageData {
  readonly devices: readonly EndDevice[];
  /** Devices that match the search; all of the application without one. */
  readonly found: number;
  /** Devices of the application. */
  readonly total: number;
  /** Devices the search has not looked at because there are too many. */
  readonly unsearched: number;
}

export interface DevicesLoad {
  /** The page asked for, or the one before it as long as that is on its way. */
  readonly data: DevicePageData | undefined;
  readonly loading: boolean;
  /** Devices a search has read so far; undefined if none runs. */
  readonly searching: { readonly read: number; readonly total: number } | undefined;
  readonly problem: Problem | undefined;
  reload(): void;
}

export const PER_PAGE = 25;
/** Devices the server gives at once. */
const PER_CALL = 1000;
/** Devices a search looks at, since the API searches no text and the page has to. */
const MOST_SEARCHED = 20_000;
const LIST_FIELDS = ['name', 'created_at', 'last_seen_at', 'ids'];

type ListRequest = Pick<DeviceQuery, 'applicationId' | 'orderBy' | 'descending'>;

async function listPage(
  api: Api,
  { applicationId, orderBy, descending }: ListRequest,
  page: { readonly limit: number; readonly page: number },
  signal: AbortSignal,
) {
  let total = 0;
  const answer = await api.devices.list(
    {
      applicationIds: { applicationId },
      fieldMask: { paths: LIST_FIELDS },
      order: `${descending ? '-' : ''}${orderBy}`,
      ...page,
    },
    {
      signal,
      onHeader: (headers) => {
        total = Number(headers.get('x-total-count') ?? 0);
      },
    },
  );
  return { devices: answer.endDevices, total: Math.max(total, answer.endDevices.length) };
}

async function listAll(
  api: Api,
  request: ListRequest,
  signal: AbortSignal,
  onProgress: (read: number, total: number) => void,
) {
  const devices: EndDevice[] = [];
  for (let page = 1; ; page += 1) {
    const part = await listPage(api, request, { limit: PER_CALL, page }, signal);
    devices.push(...part.devices);
    if (signal.aborted) return { devices, total: part.total };
    onProgress(devices.length, part.total);
    const complete = part.devices.length < PER_CALL || devices.length >= part.total;
    if (complete || devices.length >= MOST_SEARCHED) return { devices, total: part.total };
  }
}

/** Without a search: the server sorts and pages. */
function usePage(query: DeviceQuery, active: boolean) {
  const api = useApi();
  return useLoad(
    `devices/${query.applicationId}`,
    async (signal) =>
      active
        ? await listPage(api, query, { limit: PER_PAGE, page: query.page }, signal)
        : undefined,
    `${active}/${query.page}/${query.orderBy}/${query.descending}/${query.version}`,
  );
}

/** With a search: reads all devices once, in the server's order, and looks through them here. */
function useAll(query: DeviceQuery, active: boolean) {
  const api = useApi();
  const [progress, setProgress] = useState({ read: 0, total: 0 });
  const load = useLoad(
    `all-devices/${query.applicationId}`,
    async (signal) => {
      if (!active) return undefined;
      setProgress({ read: 0, total: 0 });
      return await listAll(api, query, signal, (read, total) => setProgress({ read, total }));
    },
    `${active}/${query.orderBy}/${query.descending}/${query.version}`,
  );
  return { ...load, progress };
}

/** The devices of an application as the query wants them. */
export function useDevices(query: DeviceQuery): DevicesLoad {
  const searching = query.search.trim() !== '';
  const page = usePage(query, !searching);
  const all = useAll(query, searching);
  const matching = useMemo(
    () => all.data?.devices.filter((device) => deviceMatches(device, query.search)),
    [all.data, query.search],
  );
  const [last, setLast] = useState<DevicePageData>();
  const data = useMemo((): DevicePageData | undefined => {
    if (!searching) {
      if (page.data === undefined) return undefined;
      const { devices, total } = page.data;
      return { devices, found: total, total, unsearched: 0 };
    }
    if (all.data === undefined || matching === undefined) return undefined;
    const { devices, total } = all.data;
    return {
      devices: matching.slice((query.page - 1) * PER_PAGE, query.page * PER_PAGE),
      found: matching.length,
      total,
      unsearched: Math.max(0, total - devices.length),
    };
  }, [searching, page.data, all.data, matching, query.page]);
  useEffect(() => {
    if (data !== undefined) setLast(data);
  }, [data]);
  useEffect(() => setLast(undefined), [query.applicationId]);
  const active = searching ? all : page;
  return {
    data: data ?? last,
    loading: active.loading,
    searching: searching && all.loading && data === undefined ? all.progress : undefined,
    problem: active.problem,
    reload: active.reload,
  };
}
