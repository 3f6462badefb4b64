import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type Gateway,
  GatewayAntennaSchema,
  GatewaySchema,
} from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { LocationSchema, LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { errorText } from '../base/errors.ts';
import { eui64FromBytes, eui64ToBytes, type GatewayEui } from '../lorawan/index.ts';
import { createBoundedCache, type DeletedEntity, type GatewayRow } from '../store/index.ts';
import type { ListRequest } from './applications.ts';
import type { Effects, RegistryContext } from './context.ts';
import { filterPaths, matchesFilter, type SearchedEntity } from './entity-search.ts';
import { gatewayEuiTaken, gatewayNotFound, gatewayNotFoundByEui, idTaken } from './errors.ts';
import { type GatewaySettings, gatewaySettings } from './gateway-settings.ts';
import { mergeByPaths, pickByPaths, without } from './masks.ts';
import { orderOf, pageOfMatches } from './paging.ts';
import { createTrash, pageOfDeleted, type Trash } from './trash.ts';

export interface GatewayRegistry {
  create(gateway: Gateway): Promise<Gateway>;
  get(gatewayId: string, paths: readonly string[]): Promise<Gateway>;
  /** @param eui 8 bytes; none are the EUI of no gateway */
  getByEui(eui: Uint8Array): Promise<Gateway>;
  list(
    request: ListRequest,
    paths: readonly string[],
  ): Promise<{ gateways: Gateway[]; total: number }>;
  /** Changes a gateway; it no longer counts as new. */
  update(gateway: Gateway, paths: readonly string[]): Promise<Gateway>;
  /** API keys stop working; they come back with a restore. */
  delete(gatewayId: string): Promise<void>;
  /** Brings a deleted gateway back, within a day and unless its EUI has been taken. */
  restore(gatewayId: string): Promise<void>;
  /** Deletes a gateway, or what a deleted one left, for good. */
  purge(gatewayId: string): Promise<void>;
  /**
   * The id of the gateway with this EUI. One heard for the first time is registered as `eui-<hex>` and marked new; its
   * id is known at once, it is stored soon after.
   */
  ensureHeard(eui: GatewayEui): string;
  /** Whether the gateway was registered by being heard and not changed since. */
  isNew(gatewayId: string): boolean;
  /** Whether a gateway with this EUI is registered. */
  isKnown(eui: GatewayEui): boolean;
  /** Whether a gateway nobody registered may be registered by being heard, see {@link MOST_NEW_GATEWAYS}. */
  mayRegisterHeard(): boolean;
  /** How a gateway is to transmit; undefined if it is not registered. Cheap: asked for each downlink. */
  settings(gatewayId: string): GatewaySettings | undefined;
  /** Keeps where a gateway says it is, as the place of its first antenna. */
  recordLocation(gatewayId: string, place: GatewayPlace): Promise<void>;
}

/** A position as a gateway reports it. */
export interface GatewayPlace {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM?: number;
}

/**
 * Most gateways that are registered by being heard while nobody looks at them. The protocols of packet forwarders have
 * no authentication: without an end, a flood of invented EUIs would fill the registry and every page that lists it.
 */
export const MOST_NEW_GATEWAYS = 256;

const KEPT_SETTINGS = 1_000;

const FIXED_PATHS = ['ids', 'created_at', 'updated_at', 'deleted_at'];
const IMPLICIT_PATHS = ['ids', 'created_at', 'updated_at'];

function decode({ message, secrets }: Pick<GatewayRow, 'message' | 'secrets'>): Gateway {
  const gateway = fromBinary(GatewaySchema, message);
  if (!secrets) return gateway;
  const { lbsLnsSecret, targetCupsKey } = fromBinary(GatewaySchema, secrets);
  if (lbsLnsSecret) gateway.lbsLnsSecret = lbsLnsSecret;
  if (targetCupsKey) gateway.targetCupsKey = targetCupsKey;
  return gateway;
}

function save({ store }: RegistryContext, gateway: Gateway, isNew: boolean): void {
  const message = clone(GatewaySchema, gateway);
  const secrets = create(GatewaySchema);
  if (message.lbsLnsSecret) secrets.lbsLnsSecret = message.lbsLnsSecret;
  if (message.targetCupsKey) secrets.targetCupsKey = message.targetCupsKey;
  delete message.lbsLnsSecret;
  delete message.targetCupsKey;
  const secretBytes = toBinary(GatewaySchema, secrets);
  const eui = gateway.ids?.eui;
  store.gateways.put({
    gatewayId: gateway.ids?.gatewayId ?? '',
    name: gateway.name,
    createdAtMs: gateway.createdAt ? timestampMs(gateway.createdAt) : 0,
    isNew,
    message: toBinary(GatewaySchema, message),
    ...(eui && eui.length > 0 && { eui: eui64FromBytes(eui) }),
    ...(secretBytes.length > 0 && { secrets: secretBytes }),
  });
}

const searched = ({ ids, name, description, attributes }: Gateway): SearchedEntity => ({
  id: ids?.gatewayId ?? '',
  name,
  description,
  attributes,
  ...(ids && ids.eui.length > 0 && { eui: eui64FromBytes(ids.eui) }),
});

const answer = (gateway: Gateway, paths: readonly string[]): Gateway =>
  pickByPaths(GatewaySchema, gateway, [...paths, ...IMPLICIT_PATHS]);

function find({ store }: RegistryContext, gatewayId: string): Gateway {
  const row = store.gateways.get(gatewayId);
  if (!row) throw gatewayNotFound({ gateway_id: gatewayId });
  return decode(row);
}

/** The EUI of a gateway that is about to be stored; refused if another one has it. */
function checkEuiFree({ store }: RegistryContext, { ids }: Gateway): GatewayEui | undefined {
  const eui = ids && ids.eui.length > 0 ? eui64FromBytes(ids.eui) : undefined;
  const owner = eui && store.gateways.getByEui(eui);
  if (owner) throw gatewayEuiTaken({ gateway_eui: owner.eui ?? '', gateway_id: owner.gatewayId });
  return eui;
}

function createGateway(
  context: RegistryContext,
  gateway: Gateway,
  isNew: boolean,
  effects: Effects,
): Gateway {
  const { store } = context;
  const gatewayId = gateway.ids?.gatewayId ?? '';
  if (store.gateways.get(gatewayId)) throw idTaken();
  const eui = checkEuiFree(context, gateway);
  forgetDeleted(context, gatewayId);
  const stored = clone(GatewaySchema, gateway);
  stored.createdAt = context.now();
  stored.updatedAt = stored.createdAt;
  delete stored.deletedAt;
  save(context, stored, isNew);
  effects.event('gateway.create', { kind: 'gateway', gatewayId, ...(eui && { eui }) });
  return stored;
}

/** Registers a heard gateway under `eui-<hex>`; a taken id gets a number behind it. */
function registerHeard(
  context: RegistryContext,
  eui: GatewayEui,
  onError: (text: string) => void,
): string {
  const base = `eui-${eui.toLowerCase()}`;
  let gatewayId = base;
  for (let number = 2; context.store.gateways.get(gatewayId); number += 1) {
    gatewayId = `${base}-${number}`;
  }
  const gateway = create(GatewaySchema, {
    ids: { gatewayId, eui: eui64ToBytes(eui) },
    statusPublic: false,
    locationPublic: false,
    enforceDutyCycle: true,
  });
  context
    .transact((effects) => createGateway(context, gateway, true, effects))
    .catch((error: unknown) => onError(errorText(error)));
  return gatewayId;
}

/** A deleted gateway as lists show it. */
function deletedGateway({ deletedAtMs, ...row }: DeletedEntity): Gateway {
  const gateway = decode(row);
  gateway.deletedAt = timestampFromMs(deletedAtMs);
  return gateway;
}

function listDeleted(trash: Trash, request: ListRequest, paths: readonly string[]) {
  const { filter = {} } = request;
  const matching = trash
    .list()
    .map(deletedGateway)
    .filter((gateway) => matchesFilter(searched(gateway), filter));
  const sortedBy = ({ ids, name, createdAt }: Gateway) => ({
    id: ids?.gatewayId ?? '',
    name,
    createdAtMs: createdAt ? timestampMs(createdAt) : 0,
  });
  const { items, total } = pageOfDeleted(matching, sortedBy, request);
  const all = [...paths, ...filterPaths(filter), 'deleted_at'];
  return { gateways: items.map((gateway) => answer(gateway, all)), total };
}

/** Forgets a deleted gateway and its keys; whether there was one. */
function forgetDeleted({ store }: RegistryContext, gatewayId: string): boolean {
  if (!store.deletedEntities.delete('gateway', gatewayId)) return false;
  store.apiKeys.deleteByOwner({ gatewayId });
  return true;
}

/** Deleting, with and without a way back. */
function createRemoval(context: RegistryContext, trash: Trash) {
  const { store } = context;
  const missing = (gatewayId: string) => gatewayNotFound({ gateway_id: gatewayId });
  return {
    delete: (gatewayId: string) =>
      context.transact((effects) => {
        const row = store.gateways.get(gatewayId);
        if (!row) throw missing(gatewayId);
        const { message, secrets } = row;
        store.gateways.delete(gatewayId);
        trash.put({ id: gatewayId, message, ...(secrets && { secrets }) });
        effects.event('gateway.delete', { kind: 'gateway', gatewayId });
      }),
    restore: (gatewayId: string) =>
      context.transact((effects) => {
        const gateway = decode(trash.take(gatewayId, () => missing(gatewayId)));
        checkEuiFree(context, gateway);
        save(context, gateway, false);
        effects.event('gateway.restore', { kind: 'gateway', gatewayId });
      }),
    purge: (gatewayId: string) =>
      context.transact((effects) => {
        if (!forgetDeleted(context, gatewayId)) {
          if (!store.gateways.delete(gatewayId)) throw missing(gatewayId);
          store.apiKeys.deleteByOwner({ gatewayId });
        }
        effects.event('gateway.purge', { kind: 'gateway', gatewayId });
      }),
  };
}

export function createGatewayRegistry(
  ownContext: RegistryContext,
  onError: (text: string) => void,
): GatewayRegistry {
  const { store } = ownContext;
  /** Counting takes a walk over all gateways, so its result is kept until one changes. */
  let newCount: number | undefined;
  const known = createBoundedCache<string, GatewaySettings>(KEPT_SETTINGS);
  const forget = (): void => {
    newCount = undefined;
    known.clear();
  };
  const context: RegistryContext = {
    ...ownContext,
    transact(work) {
      const done = ownContext.transact(work);
      forget();
      // A commit that failed took the change back.
      done.catch(forget);
      return done;
    },
  };
  const trash = createTrash(context, 'gateway');
  return {
    ...createRemoval(context, trash),
    create: (gateway) =>
      context.transact((effects) => createGateway(context, gateway, false, effects)),
    async get(gatewayId, paths) {
      return answer(find(context, gatewayId), paths);
    },
    async getByEui(bytes) {
      if (bytes.length === 0) throw gatewayNotFoundByEui({ gateway_eui: '' });
      const eui = eui64FromBytes(bytes);
      const row = store.gateways.getByEui(eui);
      if (!row) throw gatewayNotFoundByEui({ gateway_eui: eui });
      return decode(row);
    },
    async list(request, paths) {
      if (request.deleted) return listDeleted(trash, request, paths);
      const { filter = {} } = request;
      const order = orderOf(
        request.order,
        ['gateway_id', 'gateway_eui', 'name', 'created_at'],
        'gateway_id',
      );
      const { items, total } = pageOfMatches(
        (page) => store.gateways.list({ ...order, ...page }),
        decode,
        (gateway) => matchesFilter(searched(gateway), filter),
        request,
      );
      const all = [...paths, ...filterPaths(filter)];
      return { gateways: items.map((gateway) => answer(gateway, all)), total };
    },
    update: (gateway, paths) =>
      context.transact((effects) => {
        const gatewayId = gateway.ids?.gatewayId ?? '';
        const stored = find(context, gatewayId);
        const effective = without(paths, ...FIXED_PATHS);
        mergeByPaths(GatewaySchema, stored, gateway, effective);
        stored.updatedAt = context.now();
        save(context, stored, false);
        effects.event('gateway.update', { kind: 'gateway', gatewayId }, effective);
        return answer(stored, effective);
      }),
    ensureHeard: (eui) =>
      store.gateways.getByEui(eui)?.gatewayId ?? registerHeard(context, eui, onError),
    isNew: (gatewayId) => store.gateways.get(gatewayId)?.isNew ?? false,
    isKnown: (eui) => store.gateways.getByEui(eui) !== undefined,
    mayRegisterHeard() {
      newCount ??= store.gateways.countNew();
      return newCount < MOST_NEW_GATEWAYS;
    },
    settings(gatewayId) {
      const cached = known.get(gatewayId);
      if (cached) return cached;
      const row = store.gateways.get(gatewayId);
      const settings = row && gatewaySettings(decode(row));
      if (settings) known.set(gatewayId, settings);
      return settings;
    },
    recordLocation: (gatewayId, place) =>
      context.transact((effects) => {
        const row = store.gateways.get(gatewayId);
        if (!row) return;
        const gateway = decode(row);
        const antenna = gateway.antennas[0] ?? create(GatewayAntennaSchema);
        antenna.location = create(LocationSchema, {
          latitude: place.latitude,
          longitude: place.longitude,
          altitude: Math.round(place.altitudeM ?? 0),
          source: LocationSource.SOURCE_GPS,
        });
        gateway.antennas[0] = antenna;
        gateway.updatedAt = context.now();
        save(context, gateway, row.isNew);
        effects.event('gateway.update', { kind: 'gateway', gatewayId });
      }),
  };
}
