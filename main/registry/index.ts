import type { EndDevice, MACState } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceIdentifiers } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { EventInput } from '../events/index.ts';
import type { DevEui, JoinEui } from '../lorawan/index.ts';
import type { DeviceRow, Store } from '../store/index.ts';
import { createApplicationDeviceRegistry, createApplicationUnit } from './application.ts';
import { type ApplicationRegistry, createApplicationRegistry } from './applications.ts';
import { createContext, decodeDevice, deviceIds, type RegistryChange } from './context.ts';
import { endDeviceNotFound } from './errors.ts';
import { createGatewayRegistry, type GatewayRegistry } from './gateways.ts';
import { createIdentityRegistry, createIdentityUnit, type IdentityRegistry } from './identity.ts';
import {
  createJoinRegistry,
  createJoinUnit,
  type RootKeyPair,
  type ServerRegistry,
  unpackRootKeys,
} from './join.ts';
import { createNetworkRegistry, createNetworkUnit, type NetworkRegistry } from './network.ts';

export { checkApplicationRequest } from './application.ts';
export { newApplication } from './applications.ts';
export type { RegistryChange } from './context.ts';
export type { ListDevices } from './identity.ts';
export { checkJoinRequest } from './join.ts';

/** A registered device as a server reads it. */
export interface RegisteredDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly devEui?: DevEui;
  readonly joinEui?: JoinEui;
  readonly message: EndDevice;
}

/** A device of the join registry with its root keys. */
export interface JoinDevice extends RegisteredDevice {
  readonly rootKeys: RootKeyPair;
  readonly rootKeyId: string;
}

/** All registries, and the reads the servers do on their hot path. */
export interface Registry {
  readonly applications: ApplicationRegistry;
  readonly gateways: GatewayRegistry;
  readonly identity: IdentityRegistry;
  readonly join: ServerRegistry;
  readonly network: NetworkRegistry;
  readonly application: ServerRegistry;
  /** Registers a device with every registry that has to do with it, all or nothing. */
  registerEverywhere(device: EndDevice): Promise<EndDevice>;
  /** Deletes a device from every registry that knows it. */
  deleteEverywhere(ids: EndDeviceIdentifiers): Promise<void>;
  networkDeviceById(row: number): RegisteredDevice | undefined;
  networkDeviceByEuis(joinEui: JoinEui, devEui: DevEui): RegisteredDevice | undefined;
  networkDeviceByIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
  joinDeviceByEuis(joinEui: JoinEui, devEui: DevEui): JoinDevice | undefined;
  applicationDeviceByIds(applicationId: string, deviceId: string): RegisteredDevice | undefined;
  onChange(listener: (change: RegistryChange) => void): () => void;
}

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publish: (event: EventInput) => void;
  /** MAC state of a device at the start of a session; it comes from the network server. */
  readonly newMacState: (device: EndDevice) => MACState;
}

/** What the network registry takes of a device that is registered with one call. */
const NETWORK_PATHS = [
  'frequency_plan_id',
  'lorawan_version',
  'lorawan_phy_version',
  'supports_join',
  'supports_class_b',
  'supports_class_c',
  'mac_settings',
];
const NETWORK_SESSION_PATHS = ['session.dev_addr', 'session.keys.f_nwk_s_int_key.key'];
const THREE_KEY_PATHS = ['session.keys.s_nwk_s_int_key.key', 'session.keys.nwk_s_enc_key.key'];
const APPLICATION_SESSION_PATHS = ['session.dev_addr', 'session.keys.app_s_key.key'];

function registered(row: DeviceRow): RegisteredDevice {
  return {
    row: row.row,
    applicationId: row.applicationId,
    deviceId: row.deviceId,
    message: decodeDevice(row),
    ...(row.devEui && { devEui: row.devEui }),
    ...(row.joinEui && { joinEui: row.joinEui }),
  };
}

/** Creates the registries over a store. */
export function createRegistry(options: RegistryOptions): Registry {
  const { logger, store } = options;
  const listeners = new Set<(change: RegistryChange) => void>();
  const context = createContext({
    ...options,
    notify: (change) => {
      for (const listener of listeners) listener(change);
    },
  });
  const identityUnit = createIdentityUnit(context);
  const joinUnit = createJoinUnit(context);
  const networkUnit = createNetworkUnit(context);
  const applicationUnit = createApplicationUnit(context);

  const registerEverywhere = (device: EndDevice): Promise<EndDevice> =>
    context.transact((effects) => {
      const { supportsJoin, session } = device;
      const created = identityUnit.create(device, effects);
      if (supportsJoin) {
        const paths = ['root_keys.app_key.key'];
        if (device.rootKeys?.nwkKey) paths.push('root_keys.nwk_key.key');
        joinUnit.set(device, paths, effects);
      }
      const networkPaths = [...NETWORK_PATHS, ...(supportsJoin ? [] : NETWORK_SESSION_PATHS)];
      if (!supportsJoin && session?.keys?.sNwkSIntKey) networkPaths.push(...THREE_KEY_PATHS);
      networkUnit.set(device, networkPaths, effects);
      const applicationPaths = device.formatters ? ['formatters'] : [];
      if (!supportsJoin) applicationPaths.push(...APPLICATION_SESSION_PATHS);
      applicationUnit.set(device, applicationPaths, effects);
      return created;
    });

  const deleteEverywhere = (ids: EndDeviceIdentifiers): Promise<void> =>
    context.transact((effects) => {
      const found = [applicationUnit, networkUnit, joinUnit, identityUnit].map((unit) =>
        unit.delete(ids, effects),
      );
      if (found.includes(true)) return;
      const { applicationId, deviceId } = deviceIds(ids);
      throw endDeviceNotFound({ application_id: applicationId, device_id: deviceId });
    });

  const find = (row: DeviceRow | undefined): RegisteredDevice | undefined => row && registered(row);
  return {
    applications: createApplicationRegistry(context),
    gateways: createGatewayRegistry(context, (text) => logger.warn({}, text)),
    identity: createIdentityRegistry(context, identityUnit),
    join: createJoinRegistry(context, joinUnit),
    network: createNetworkRegistry(context, networkUnit),
    application: createApplicationDeviceRegistry(context, applicationUnit),
    registerEverywhere,
    deleteEverywhere,
    networkDeviceById: (row) => find(store.networkDevices.get(row)),
    networkDeviceByEuis: (joinEui, devEui) => find(store.networkDevices.getByEuis(joinEui, devEui)),
    networkDeviceByIds: (applicationId, deviceId) =>
      find(store.networkDevices.getByIds(applicationId, deviceId)),
    joinDeviceByEuis(joinEui, devEui) {
      const row = store.joinDevices.getByEuis(joinEui, devEui);
      if (!row) return undefined;
      const device = registered(row);
      return {
        ...device,
        rootKeys: unpackRootKeys(row.keys),
        rootKeyId: device.message.rootKeys?.rootKeyId ?? '',
      };
    },
    applicationDeviceByIds: (applicationId, deviceId) =>
      find(store.applicationDevices.getByIds(applicationId, deviceId)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
