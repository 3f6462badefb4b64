import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { deviceIds, type RegistryContext } from './context.ts';
import { endDeviceNotFound } from './errors.ts';
import type { IdentityUnit } from './identity.ts';
import { isPathSet, mergeByPaths } from './masks.ts';
import type { ServerUnit } from './server-registry.ts';

/** Registers and deletes devices in all registries at once. */
export interface Registration {
  registerEverywhere(device: EndDevice): Promise<EndDevice>;
  /** Registers each device or tells why not, all in one transaction. */
  registerEach(devices: readonly EndDevice[]): Promise<PromiseSettledResult<EndDevice>[]>;
  /** The same, but nothing stays registered. */
  tryEach(devices: readonly EndDevice[]): Promise<PromiseSettledResult<EndDevice>[]>;
  deleteEverywhere(ids: EndDeviceIdentifiers): Promise<void>;
}

export interface RegistryUnits {
  readonly identity: IdentityUnit;
  readonly join: ServerUnit;
  readonly network: ServerUnit;
  readonly application: ServerUnit;
}

/** What each server takes of a device: always, or only if it is set. */
const JOIN_REQUIRED = ['root_keys.app_key.key'];
const JOIN_OPTIONAL = [
  'root_keys.nwk_key.key',
  'root_keys.root_key_id',
  'net_id',
  'resets_join_nonces',
  'network_server_kek_label',
  'application_server_kek_label',
  'application_server_id',
  'last_dev_nonce',
  'used_dev_nonces',
  'last_join_nonce',
  'last_rj_count_0',
  'last_rj_count_1',
];
const NETWORK_REQUIRED = [
  'frequency_plan_id',
  'lorawan_version',
  'lorawan_phy_version',
  'supports_join',
];
const NETWORK_OPTIONAL = [
  'supports_class_b',
  'supports_class_c',
  'multicast',
  'min_frequency',
  'max_frequency',
  'mac_settings',
  'mac_state',
  'version_ids',
  'session.keys.s_nwk_s_int_key.key',
  'session.keys.nwk_s_enc_key.key',
  'session.last_f_cnt_up',
  'session.last_n_f_cnt_down',
  'session.last_conf_f_cnt_down',
  'session.started_at',
];
const NETWORK_SESSION = ['session.dev_addr', 'session.keys.f_nwk_s_int_key.key'];
const APPLICATION_OPTIONAL = [
  'formatters',
  'skip_payload_crypto',
  'skip_payload_crypto_override',
  'version_ids',
  'session.last_a_f_cnt_down',
];
const APPLICATION_SESSION = ['session.dev_addr', 'session.keys.app_s_key.key'];
/** Only sessions of a join have a key id. */
const JOINED_SESSION = ['session.keys.session_key_id'];

/** What an export takes of each server, sessions included. */
export const EXPORTED_PATHS = {
  join: [...JOIN_REQUIRED, ...JOIN_OPTIONAL],
  network: [...NETWORK_REQUIRED, ...NETWORK_OPTIONAL, ...NETWORK_SESSION, ...JOINED_SESSION],
  application: [...APPLICATION_OPTIONAL, ...APPLICATION_SESSION, ...JOINED_SESSION],
} as const;

/** Ends a trial, so that its unit of work is undone. */
class TrialOver extends Error {}

const setPaths = (device: EndDevice, paths: readonly string[]): string[] =>
  paths.filter((path) => isPathSet(EndDeviceSchema, device, path));

function networkPaths(device: EndDevice): string[] {
  const hasSession = device.session !== undefined || !device.supportsJoin;
  return [
    ...NETWORK_REQUIRED,
    ...(hasSession ? NETWORK_SESSION : []),
    ...setPaths(device, [...NETWORK_OPTIONAL, ...(device.supportsJoin ? JOINED_SESSION : [])]),
  ];
}

function applicationPaths(device: EndDevice): string[] {
  const hasSession = device.session !== undefined || !device.supportsJoin;
  const session = device.skipPayloadCrypto
    ? setPaths(device, APPLICATION_SESSION)
    : APPLICATION_SESSION;
  return [
    ...(hasSession ? session : []),
    ...setPaths(device, [...APPLICATION_OPTIONAL, ...(device.supportsJoin ? JOINED_SESSION : [])]),
  ];
}

function registerWith(
  context: RegistryContext,
  units: RegistryUnits,
): Registration['registerEverywhere'] {
  return (device) =>
    context.transact((effects) => {
      const registered = units.identity.create(device, effects);
      const take = (unit: ServerUnit, paths: string[]): void => {
        const stored = unit.set(device, paths, effects);
        mergeByPaths(EndDeviceSchema, registered, stored, paths);
      };
      if (device.supportsJoin) {
        take(units.join, [...JOIN_REQUIRED, ...setPaths(device, JOIN_OPTIONAL)]);
      }
      take(units.network, networkPaths(device));
      take(units.application, applicationPaths(device));
      if (registered.ids && registered.session) {
        registered.ids.devAddr = registered.session.devAddr;
      }
      return registered;
    });
}

export function createRegistration(context: RegistryContext, units: RegistryUnits): Registration {
  const registerEverywhere = registerWith(context, units);
  return {
    registerEverywhere,
    // Units of one turn of the event loop share its transaction; each undoes only itself.
    registerEach: (devices) => Promise.allSettled(devices.map(registerEverywhere)),
    async tryEach(devices) {
      const results = devices.map((): Promise<EndDevice> | undefined => undefined);
      const trial = context.store.unit(() => {
        for (const [at, device] of devices.entries()) {
          // What a device that is refused has stored by then is undone at once, for the next ones.
          results[at] = registerEverywhere(device);
          results[at].catch(() => undefined);
        }
        throw new TrialOver();
      });
      await trial.catch((error: unknown) => {
        if (!(error instanceof TrialOver)) throw error;
      });
      const settled = await Promise.allSettled(results);
      return settled.map((result, at) =>
        result.status === 'rejected' && result.reason instanceof TrialOver
          ? { status: 'fulfilled', value: devices[at] as EndDevice }
          : (result as PromiseSettledResult<EndDevice>),
      );
    },
    deleteEverywhere: (ids) =>
      context.transact((effects) => {
        const { application, network, join, identity } = units;
        const found = [application, network, join, identity].map((unit) =>
          unit.delete(ids, effects),
        );
        if (found.includes(true)) return;
        const { applicationId, deviceId } = deviceIds(ids);
        throw endDeviceNotFound({ application_id: applicationId, device_id: deviceId });
      }),
  };
}
