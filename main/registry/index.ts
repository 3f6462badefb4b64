import type { EndDevice, MACState } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { EventInput } from '../events/index.ts';
import type { Store } from '../store/index.ts';
import { type ActivationSettings, createActivationSettings } from './activation-settings.ts';
import { type ApiKeyRegistry, createApiKeyRegistry } from './api-keys.ts';
import { createApplicationDeviceRegistry, createApplicationUnit } from './application.ts';
import { type ApplicationLinks, createApplicationLinks } from './application-links.ts';
import { type ApplicationRegistry, createApplicationRegistry } from './applications.ts';
import { createContext, type RegistryChange } from './context.ts';
import { createDeviceReader, type DeviceReader } from './device-reader.ts';
import { createGatewayRegistry, type GatewayRegistry } from './gateways.ts';
import {
  createIdentityRegistry,
  createIdentityUnit,
  type IdentityRegistry,
  type SeenDevice,
} from './identity.ts';
import { createJoinRegistry, createJoinUnit } from './join.ts';
import {
  createNetworkRegistry,
  createNetworkUnit,
  type DeviceStatusReport,
  type NetworkRegistry,
  recordDeviceStatus,
} from './network.ts';
import { createRegistration, type Registration } from './registration.ts';
import type { ServerRegistry } from './server-registry.ts';
import { createWholeDevices, type WholeDevices } from './whole-devices.ts';

export { type ApiKeyRegistry, rightName, rightOf } from './api-keys.ts';
export { checkApplicationRequest } from './application.ts';
export type { ApplicationLinks } from './application-links.ts';
export { newApplication } from './applications.ts';
export type { RegistryChange } from './context.ts';
export type { JoinDevice, RegisteredDevice } from './device-reader.ts';
export { matchesFilter, type SearchedEntity } from './entity-search.ts';
export { frequencyPlanNotFound, noBandVersion } from './errors.ts';
export { type GatewaySettings, UNREGISTERED_GATEWAY_SETTINGS } from './gateway-settings.ts';
export type { GatewayPlace } from './gateways.ts';
export type { ListDevices, SeenDevice } from './identity.ts';
export { checkJoinRequest } from './join.ts';
export { pickByPaths } from './masks.ts';
export type { DeviceStatusReport } from './network.ts';
export { recentTraffic } from './recent-traffic.ts';
export { type FoundUp, type RecordedUpQuery, searchRecordedUps } from './recorded-up-search.ts';
export { RECORDED_UP_TYPES } from './recorded-ups.ts';
export type { WholeDevices } from './whole-devices.ts';

/**
 * All registries, the one-call registration (all or nothing), and the synchronous reads the servers do on their hot
 * path.
 */
export interface Registry extends Registration, DeviceReader, WholeDevices {
  readonly applications: ApplicationRegistry;
  readonly applicationLinks: ApplicationLinks;
  readonly activationSettings: ActivationSettings;
  readonly apiKeys: ApiKeyRegistry;
  readonly gateways: GatewayRegistry;
  readonly identity: IdentityRegistry;
  readonly join: ServerRegistry;
  readonly network: NetworkRegistry;
  readonly application: ServerRegistry;
  /** Keeps battery and margin a device reported, by its row in the network registry. Call it inside a unit. */
  recordDeviceStatus(row: number, status: DeviceStatusReport): void;
  /** Keeps when devices were heard. */
  recordSeen(seen: readonly SeenDevice[]): Promise<void>;
  /** Called inside the unit that changes a device, and again if that unit is undone. */
  onChange(listener: (change: RegistryChange) => void): () => void;
  /** Lets everybody forget what they made of devices, as after a change of what a frequency plan means. */
  invalidate(): void;
}

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly publish: (event: EventInput) => void;
  /** MAC state of a device at the start of a session; it comes from the network server. */
  readonly newMacState: (device: EndDevice) => MACState;
}

/** Creates the registries over a store. */
export function createRegistry(options: RegistryOptions): Registry {
  const { logger, store } = options;
  const listeners = new Set<(change: RegistryChange) => void>();
  const { reader, changed } = createDeviceReader(store);
  const context = createContext({
    ...options,
    notify: (change) => {
      changed(change);
      for (const listener of listeners) listener(change);
    },
  });
  const identity = createIdentityUnit(context);
  const join = createJoinUnit(context);
  const network = createNetworkUnit(context);
  const application = createApplicationUnit(context);
  const applicationLinks = createApplicationLinks(context);
  const activationSettings = createActivationSettings(context);
  const registries = {
    identity: createIdentityRegistry(context, identity),
    join: createJoinRegistry(context, join),
    network: createNetworkRegistry(context, network),
    application: createApplicationDeviceRegistry(context, application),
  };
  return {
    ...registries,
    ...createWholeDevices(registries),
    recordSeen: registries.identity.recordSeen,
    applications: createApplicationRegistry(context, {
      links: applicationLinks,
      activationSettings,
    }),
    applicationLinks,
    activationSettings,
    apiKeys: createApiKeyRegistry(context),
    gateways: createGatewayRegistry(context, (text) => logger.warn({}, text)),
    ...createRegistration(context, { identity, join, network, application }),
    ...reader,
    recordDeviceStatus(row, status) {
      const stored = store.networkDevices.get(row);
      if (!stored) return;
      recordDeviceStatus(context, stored, status);
      changed({ registry: 'network', kind: 'set', ...stored });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    invalidate() {
      const nobody = { applicationId: '', deviceId: '' };
      for (const listener of listeners) listener({ registry: 'network', kind: 'set', ...nobody });
    },
  };
}
