import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { useLoad } from '../../state/use-load.ts';
import { searchQuery } from './device-list.ts';

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
}

export interface DevicesLoad {
  /** The page asked for, or the one before it as long as that is on its way. */
  readonly data: DevicePageData | undefined;
  readonly loading: boolean;
  readonly problem: Problem | undefined;
  reload(): void;
}

export const PER_PAGE = 25;
const LIST_FIELDS = ['name', 'created_at', 'last_seen_at', 'ids'];

/** Call options that read the number of all matches. */
function counted(signal: AbortSignal) {
  let total = 0;
  const onHeader = (headers: Headers): void => {
    total = Number(headers.get('x-total-count') ?? 0);
  };
  return { options: { signal, onHeader }, total: () => total };
}

async function listPage(
  api: Api,
  { applicationId, orderBy, descending, page, search }: DeviceQuery,
  signal: AbortSignal,
): Promise<DevicePageData> {
  const applicationIds = { applicationId };
  const request = {
    applicationIds,
    fieldMask: { paths: LIST_FIELDS },
    order: `${descending ? '-' : ''}${orderBy}`,
    limit: PER_PAGE,
    page,
  };
  const all = counted(signal);
  const query = searchQuery(search);
  if (query === '') {
    const { endDevices } = await api.devices.list(request, all.options);
    const total = Math.max(all.total(), endDevices.length);
    return { devices: endDevices, found: total, total };
  }
  const matching = counted(signal);
  const [{ endDevices }] = await Promise.all([
    api.deviceSearch.searchEndDevices({ ...request, query }, matching.options),
    api.devices.list({ applicationIds, limit: 1 }, all.options),
  ]);
  return { devices: endDevices, found: matching.total(), total: all.total() };
}

/** The devices of an application as the query wants them. */
export function useDevices(query: DeviceQuery): DevicesLoad {
  const api = useApi();
  return useLoad(
    `devices/${query.applicationId}`,
    (signal) => listPage(api, query, signal),
    `${query.search}/${query.page}/${query.orderBy}/${query.descending}/${query.version}`,
  );
}
