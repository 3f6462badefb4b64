import { randomInt } from 'node:crypto';
import { createRegistry as createTypeRegistry } from '@bufbuild/protobuf';
import { file_ttn_lorawan_v3_end_device } from './api/gen/ttn/lorawan/v3/end_device_pb.js';
import { file_ttn_lorawan_v3_error } from './api/gen/ttn/lorawan/v3/error_pb.js';
import { file_ttn_lorawan_v3_messages } from './api/gen/ttn/lorawan/v3/messages_pb.js';
import type { Clock } from './base/clock.ts';
import { defineError } from './base/errors.ts';
import type { Logger } from './base/logger.ts';
import { createEventBus, type EventBus } from './events/index.ts';
import { formatHex, selfTestCrypto } from './lorawan/index.ts';
import { newMacState } from './network-server/new-mac-state.ts';
import { createRegistry, newApplication, type Registry } from './registry/index.ts';
import { callerOfHeader, hashSecret, type KnownApiKey, parseToken } from './rpc/api-keys.ts';
import type { Caller } from './rpc/call.ts';
import { createHandler, type Handle } from './rpc/fetch-handler.ts';
import { createRouter, type Router } from './rpc/router.ts';
import { accessAndConfigurationServices } from './rpc/services/access-and-configuration.ts';
import { applicationAndGatewayServices } from './rpc/services/applications-and-gateways.ts';
import { endDeviceServices } from './rpc/services/end-devices.ts';
import { eventService } from './rpc/services/events.ts';
import { createStaticFiles } from './rpc/static-files.ts';
import type { Store } from './store/index.ts';

const cryptoBroken = defineError(
  'gatehouse/app:crypto_self_test',
  'INTERNAL',
  'The cryptography of this build gives wrong results, so nothing was started. Install Gatehouse anew.',
);
const badApiKey = defineError(
  'gatehouse/app:bad_api_key',
  'INVALID_ARGUMENT',
  'The given API key is malformed. It has to look like NNSXS.<id>.<secret>, in letters A to Z and digits 2 to 7.',
);

export interface AppOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Folder of the built user interface. */
  readonly rendererFolder: string;
  /** An administrator's key that is accepted while the program runs and stored nowhere. */
  readonly apiKey?: string;
}

/** The whole network in one object. */
export interface App {
  readonly router: Router;
  readonly registry: Registry;
  readonly events: EventBus;
  /** Connect, gRPC-Web, REST and files. */
  readonly handle: Handle;
  /** Who an `Authorization` header says is calling. */
  callerOf(authorization: string | null | undefined): Caller;
  close(): Promise<void>;
}

/** Application that a new workspace has. */
const FIRST_APPLICATION = 'lab';
/** DevAddrs of joining devices come from a random /16 block inside 02000000/7, so that two workspaces rarely share one. */
const BLOCK_SETTING = 'network.dev_addr_block';

function transientKey(text: string | undefined): KnownApiKey | undefined {
  if (text === undefined) return undefined;
  const token = parseToken(text);
  if (token?.type !== 'NNSXS') throw badApiKey();
  return {
    id: token.id,
    name: 'given at start',
    secretHash: hashSecret(token.secret),
    rights: ['RIGHT_ALL'],
    admin: true,
  };
}

function keyFinder(
  store: Store,
  given: KnownApiKey | undefined,
): (id: string) => KnownApiKey | undefined {
  return (id) => {
    if (given?.id === id) return given;
    const row = store.apiKeys.get(id);
    if (!row) return undefined;
    const { hash, ...rest } = row;
    const admin = row.applicationId === undefined && row.rights.includes('RIGHT_ALL');
    return { ...rest, secretHash: hash, admin };
  };
}

/** What a new workspace starts with. */
async function prepareWorkspace(store: Store, registry: Registry): Promise<void> {
  if (store.settings.getText(BLOCK_SETTING) !== undefined) return;
  await registry.applications.create(newApplication(FIRST_APPLICATION, 'Lab'));
  const block = new Uint8Array([2 + randomInt(2), randomInt(256), 0, 0]);
  await store.unit(() => store.settings.put(BLOCK_SETTING, `${formatHex(block)}/16`));
}

/** Builds the network and its API over an open store. */
export async function createApp(options: AppOptions): Promise<App> {
  const { clock, logger, store } = options;
  if (!selfTestCrypto()) throw cryptoBroken();
  const findKey = keyFinder(store, transientKey(options.apiKey));
  const events = createEventBus({ clock });
  const registry = createRegistry({ store, clock, logger, publish: events.publish, newMacState });
  await prepareWorkspace(store, registry);
  const router = createRouter({
    clock,
    logger: logger.area('rpc'),
    services: [
      ...endDeviceServices(registry),
      ...applicationAndGatewayServices(registry),
      ...accessAndConfigurationServices(),
      eventService({ events, clock }),
    ],
  });
  const handle = createHandler({
    router,
    logger: logger.area('rpc'),
    registry: createTypeRegistry(
      file_ttn_lorawan_v3_messages,
      file_ttn_lorawan_v3_end_device,
      file_ttn_lorawan_v3_error,
    ),
    files: createStaticFiles(options.rendererFolder),
  });
  return {
    router,
    registry,
    events,
    handle,
    callerOf: (authorization) => callerOfHeader(authorization, findKey, clock.now()),
    close: () => store.close(),
  };
}
