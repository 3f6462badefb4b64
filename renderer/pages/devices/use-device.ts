import { useMemo } from 'react';
import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { isUplink } from '../../formats/frame-words.ts';
import { timestampMs } from '../../formats/time.ts';
import { useLoad } from '../../state/use-load.ts';
import { useWatch } from '../../state/watch-context.ts';
import { visibleFrames } from '../frames/frame-list.ts';

const IDENTITY_FIELDS = [
  'name',
  'description',
  'ids',
  'created_at',
  'last_seen_at',
  'activated_at',
];
const NETWORK_FIELDS = [
  'ids',
  'frequency_plan_id',
  'lorawan_version',
  'lorawan_phy_version',
  'supports_join',
  'supports_class_b',
  'supports_class_c',
  'session.dev_addr',
  'session.last_f_cnt_up',
  'session.last_n_f_cnt_down',
  'session.last_conf_f_cnt_down',
  'session.started_at',
  'pending_session.dev_addr',
  'battery_percentage',
  'mac_state.device_class',
  'mac_state.pending_application_downlink',
  'mac_state.current_parameters.adr_data_rate_index',
  'mac_state.current_parameters.adr_tx_power_index',
  'mac_state.current_parameters.adr_nb_trans',
  'mac_state.current_parameters.rx1_delay',
  'mac_state.current_parameters.rx2_data_rate_index',
  'mac_state.current_parameters.rx2_frequency',
];
const APPLICATION_FIELDS = ['formatters', 'session.last_a_f_cnt_down'];

/** A device as its registries know it. Parts a registry does not have stay undefined. */
export interface DeviceDetails {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly identity: EndDevice | undefined;
  readonly network: EndDevice | undefined;
  readonly application: EndDevice | undefined;
  /** Its newest frames, newest first. */
  readonly frames: readonly Frame[];
  readonly lastSeenMs: number | undefined;
  readonly problem: Problem | undefined;
  reload(): void;
}

/** Names of a device as requests have them. */
export function endDeviceIds({
  applicationId,
  deviceId,
}: Pick<DeviceDetails, 'applicationId' | 'deviceId'>) {
  return { deviceId, applicationIds: { applicationId } };
}

function optional<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch(() => undefined);
}

function lastSeen(identity: EndDevice | undefined, frames: readonly Frame[]): number | undefined {
  const heard = frames.find(isUplink)?.time;
  const times = [timestampMs(identity?.lastSeenAt), timestampMs(heard)];
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Loads a device from its registries, and again whenever a frame of it appears. */
export function useDevice(applicationId: string, deviceId: string): DeviceDetails {
  const api = useApi();
  const ring = useWatch((state) => state.frames);
  const frames = useMemo(
    () => visibleFrames(ring, '', { applicationId, deviceId }),
    [ring, applicationId, deviceId],
  );
  const newest = frames[0];
  const version = `${newest?.id ?? ''}/${newest?.verdict?.outcome ?? ''}`;
  const load = useLoad(
    `device/${applicationId}/${deviceId}`,
    async (signal) => {
      const ids = endDeviceIds({ applicationId, deviceId });
      const request = (paths: string[]) => ({ endDeviceIds: ids, fieldMask: { paths } });
      const [identity, network, application] = await Promise.all([
        api.devices.get(request(IDENTITY_FIELDS), { signal }),
        optional(api.nsDevices.get(request(NETWORK_FIELDS), { signal })),
        optional(api.asDevices.get(request(APPLICATION_FIELDS), { signal })),
      ]);
      return { identity, network, application };
    },
    version,
  );
  return {
    applicationId,
    deviceId,
    identity: load.data?.identity,
    network: load.data?.network,
    application: load.data?.application,
    frames,
    lastSeenMs: lastSeen(load.data?.identity, frames),
    problem: load.problem,
    reload: load.reload,
  };
}
