import { randomBytes } from 'node:crypto';
import { createRegistry as createTypeRegistry } from '@bufbuild/protobuf';
import { file_ttn_lorawan_v3_end_device } from './api/gen/ttn/lorawan/v3/end_device_pb.js';
import { file_ttn_lorawan_v3_error } from './api/gen/ttn/lorawan/v3/error_pb.js';
import { file_ttn_lorawan_v3_gatewayserver } from './api/gen/ttn/lorawan/v3/gatewayserver_pb.js';
import { file_ttn_lorawan_v3_messages } from './api/gen/ttn/lorawan/v3/messages_pb.js';
import { createApplicationServer } from './application-server/application-server.ts';
import { createFormatterService } from './application-server/formatters/formatter-service.ts';
import { createFormatters } from './application-server/formatters/formatters.ts';
import type { Clock } from './base/clock.ts';
import { defineError } from './base/errors.ts';
import type { Logger } from './base/logger.ts';
import type { DownlinkScheduler, ReceivedUplink } from './base/seams.ts';
import { knownConcentrators } from './concentrator/discovery/known-concentrators.ts';
import {
  listSerialPorts,
  type SerialPortList,
} from './concentrator/discovery/list-serial-ports.ts';
import { createEventBus, type EventBus } from './events/index.ts';
import { createGatewayServer } from './gateway-server/index.ts';
import { createJoinServer, type JoinSettings } from './join-server/index.ts';
import {
  type DevAddrPrefix,
  formatHex,
  type NetId,
  netIdToBytes,
  parseDevAddrPrefix,
  selfTestCrypto,
} from './lorawan/index.ts';
import {
  createDownlinkQueue,
  createNetworkServer,
  defaultMacSettings,
  newMacState,
  type RandomBytes,
} from './network-server/index.ts';
import { createDeviceCatalogue, type DeviceCatalogue } from './registry/catalogue/index.ts';
import { createClaimingStore } from './registry/claiming/index.ts';
import { createRegistry, newApplication, type Registry } from './registry/index.ts';
import { callerOfHeader } from './rpc/api-keys.ts';
import type { Caller } from './rpc/call.ts';
import { createCatalogueImages } from './rpc/catalogue-images.ts';
import { createHandler, type Handle } from './rpc/fetch-handler.ts';
import { keyFinder } from './rpc/known-keys.ts';
import { createRouter, type Router } from './rpc/router.ts';
import { applicationTrafficService } from './rpc/services/app-as.ts';
import { applicationLinkService } from './rpc/services/application-links.ts';
import { catalogueService } from './rpc/services/catalogue.ts';
import { claimingStoreService } from './rpc/services/claiming-store.ts';
import { claimingServices } from './rpc/services/device-claiming.ts';
import { deviceRepositoryService } from './rpc/services/device-repository.ts';
import { deviceServices } from './rpc/services/devices.ts';
import { eventService } from './rpc/services/events.ts';
import { frameService } from './rpc/services/frames.ts';
import { frequencyPlanService } from './rpc/services/frequency-plan-files.ts';
import { gatewayServerService } from './rpc/services/gateway-server.ts';
import { identityServerServices } from './rpc/services/identity-server.ts';
import { joinServerServices } from './rpc/services/join-server.ts';
import { linkService } from './rpc/services/links.ts';
import { networkFactsService } from './rpc/services/network-facts.ts';
import { simulatorService } from './rpc/services/simulator.ts';
import { upStorageService } from './rpc/services/up-storage.ts';
import { workspaceService } from './rpc/services/workspace.ts';
import { createStaticFiles } from './rpc/static-files.ts';
import { createSimulator, type Simulator, seededRandom } from './simulator/index.ts';
import type { Store } from './store/index.ts';
import { createDemo } from './workspace/demo.ts';
import { createLoopMeter } from './workspace/diagnostics.ts';
import { createLinkManager, type LinkManager } from './workspace/link-manager.ts';
import { createPlanFiles } from './workspace/plan-files.ts';
import { createSimulatedDevices, type SimulatedDevices } from './workspace/simulated-devices.ts';
import { createSimulatedFleet, type SimulatedFleet } from './workspace/simulated-fleet.ts';

const cryptoBroken = defineError(
  'gatehouse/app:crypto_self_test',
  'INTERNAL',
  'The cryptography of this build gives wrong results, so nothing was started. Install Gatehouse anew.',
);
export interface AppOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Folder of the built user interface. */
  readonly rendererFolder: string;
  /** Answers requests for the user interface that may not have it; all may if absent. */
  readonly refuseInterface?: (caller: Caller) => Response | undefined;
  readonly version: string;
  /** Changes with every build of the user interface. */
  readonly buildId: string;
  /** Address of the built-in listener for packet forwarders. */
  readonly udp: { readonly host: string; readonly port: number; readonly explicit: boolean };
  /** Addresses in use, for the workspace page. */
  readonly listeners: () => readonly { readonly service: string; readonly address: string }[];
  /** Where a package keeps the formatter worker and its WebAssembly; beside the sources if absent. */
  readonly formatterUrls?: { readonly workerUrl: URL; readonly wasmUrl: URL };
  /** Where a package keeps the worker of the device catalogue; beside its source if absent. */
  readonly catalogueWorkerUrl?: URL;
  /** Whether the demonstration may start by itself when an interface opens. */
  readonly offerDemo: boolean;
  /** Lists the serial ports of this computer; the system is asked if absent. */
  readonly listPorts?: () => Promise<SerialPortList>;
  /** An administrator's key that is accepted while the program runs and stored nowhere. */
  readonly apiKey?: string;
  /** Source of nonces, addresses and the simulator's chance; the system's if absent. */
  readonly random?: RandomBytes;
  /** What devices and gateways without hardware live in; one of the app's own if absent. */
  readonly simulator?: Simulator;
  /** What the user chose about joins. */
  readonly joinSettings?: JoinSettings;
}

/** The whole network in one object. */
export interface App {
  readonly router: Router;
  readonly registry: Registry;
  readonly events: EventBus;
  readonly links: LinkManager;
  readonly simulated: SimulatedDevices;
  /** Simulated devices by number. */
  readonly fleet: SimulatedFleet;
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
const CREATED_SETTING = 'workspace.created_at_ms';

/** What a new workspace starts with. Answers the block DevAddrs are taken from. */
async function prepareWorkspace(
  store: Store,
  registry: Registry,
  random: RandomBytes,
): Promise<string> {
  const known = store.settings.getText(BLOCK_SETTING);
  if (known !== undefined) return known;
  await registry.applications.create(newApplication(FIRST_APPLICATION, 'Lab'));
  const [first = 0, second = 0] = random(2);
  const block = `${formatHex(new Uint8Array([2 + (first & 1), second, 0, 0]))}/16`;
  await store.unit(() => store.settings.put(BLOCK_SETTING, block));
  return block;
}

/** When the workspace was made; for one older than this setting, when it was first opened with it. */
async function workspaceMadeAt(store: Store, clock: Clock): Promise<number> {
  const known = store.settings.getText(CREATED_SETTING);
  if (known !== undefined) return Number(known);
  const now = clock.now();
  await store.unit(() => store.settings.put(CREATED_SETTING, String(now)));
  return now;
}

/** NetID of a network of one's own. */
const NET_ID = '000001' as NetId;

const devAddrPrefix = (text: string): DevAddrPrefix =>
  parseDevAddrPrefix(text) ?? { devAddr: '02000000' as never, length: 16 };

/** The four servers, connected. */
function createServers(
  options: AppOptions,
  registry: Registry,
  catalogue: DeviceCatalogue,
  events: EventBus,
  devAddrBlock: string,
  random: RandomBytes,
) {
  const { clock, logger, store } = options;
  const formatterService = createFormatterService({
    clock,
    logger: logger.area('application.formatters'),
    ...options.formatterUrls,
  });
  const application = createApplicationServer({
    store,
    findDevice: registry.applicationDeviceByIds,
    findIdentity: registry.identityDeviceByIds,
    recordLocation: registry.identity.recordLocation,
    findAppSKey: (...session) => joinServer.sessionKeys(...session)?.appSKey,
    linkOf: registry.applicationLinks.of,
    onRegistryChange: registry.onChange,
    formatters: createFormatters(formatterService, catalogue.script),
    networkQueue: createDownlinkQueue(store, registry, clock, (deviceRow) =>
      network.queueChanged(deviceRow),
    ),
    events,
    clock,
    logger: logger.area('application'),
  });
  const { joinSettings: settings = {} } = options;
  const joinServer = createJoinServer({ store, registry, clock, events, random, settings });
  // The gateway server hands uplinks to the network server, which hands downlinks back: one of them comes first.
  const scheduler: DownlinkScheduler = {
    leadTimeMs: (paths) => gatewayServer.scheduler.leadTimeMs(paths),
    schedule: (request) => gatewayServer.scheduler.schedule(request),
    scheduleFree: (request) => gatewayServer.scheduler.scheduleFree(request),
    checkFree: (request) => gatewayServer.scheduler.checkFree(request),
  };
  const network = createNetworkServer({
    store,
    registry,
    joinServer,
    scheduler,
    application,
    events,
    clock,
    logger,
    random,
    settings: {
      netId: NET_ID,
      devAddrBlock: devAddrPrefix(devAddrBlock),
    },
  });
  const gatewayServer = createGatewayServer({
    store,
    registry,
    events,
    clock,
    logger,
    handler: { handleUplink: (received: ReceivedUplink) => network.handleUplink(received) },
  });
  return { application, formatterService, gatewayServer, joinServer, network };
}

async function hasConcentrator(listPorts: () => Promise<SerialPortList>): Promise<boolean> {
  const found = await listPorts();
  return found.kind === 'listed' && knownConcentrators(found.ports).length > 0;
}

/** Builds the network and its API over an open store. */
export async function createApp(options: AppOptions): Promise<App> {
  const { clock, logger, store } = options;
  const { ok, name: implementation, reason } = selfTestCrypto();
  if (!ok) throw cryptoBroken();
  logger.area('crypto').info({ implementation, reason }, 'cryptography gives right results');
  const events = createEventBus({ clock });
  const registry = createRegistry({ store, clock, logger, publish: events.publish, newMacState });
  const planFiles = createPlanFiles({
    directory: store.directory,
    logger: logger.area('frequency-plans'),
    userOf: (planId) => {
      const used = links.list().find(({ link }) => link?.frequencyPlanId === planId)?.link;
      return used && `the gateway link ${used.name || used.id}`;
    },
    onChange: () => registry.invalidate(),
  });
  // Links and devices may use them from their start.
  await planFiles.load();
  const findKey = keyFinder(registry.apiKeys.ofCall, options.apiKey);
  const callerOf = (authorization: string | null | undefined): Caller =>
    callerOfHeader(authorization, findKey, clock.now());
  const { random = (count) => new Uint8Array(randomBytes(count)) } = options;
  const devAddrBlock = await prepareWorkspace(store, registry, random);
  const createdAtMs = await workspaceMadeAt(store, clock);
  const catalogue = createDeviceCatalogue({
    store,
    clock,
    ...(options.catalogueWorkerUrl && { workerUrl: options.catalogueWorkerUrl }),
  });
  const servers = createServers(options, registry, catalogue, events, devAddrBlock, random);
  const { gatewayServer } = servers;
  const simulator =
    options.simulator ??
    createSimulator({
      clock,
      logger: logger.area('simulator'),
      random: seededRandom(random(4).reduce((seed, byte) => seed * 256 + byte, 0)),
    });
  const links = createLinkManager({
    store,
    gatewayServer,
    clock,
    logger,
    simulator,
    udp: options.udp,
  });
  const simulated = createSimulatedDevices({ simulator, store, clock, logger });
  const fleet = createSimulatedFleet({ store, registry, links, simulated });
  const { listPorts = () => listSerialPorts() } = options;
  const demo = createDemo({
    store,
    registry,
    links,
    simulator,
    clock,
    logger: logger.area('demo'),
    mayStartByItself: options.offerDemo,
    hasConcentrator: () => hasConcentrator(listPorts),
  });
  // The demonstration's devices are simulated in memory only, so it does not survive a restart.
  await demo.clear();
  const loopMeter = createLoopMeter();
  const { frames } = store;
  const types = createTypeRegistry(
    file_ttn_lorawan_v3_messages,
    file_ttn_lorawan_v3_end_device,
    file_ttn_lorawan_v3_error,
    file_ttn_lorawan_v3_gatewayserver,
  );
  const claimingStore = createClaimingStore(store, clock, NET_ID);
  const router = createRouter({
    clock,
    logger: logger.area('rpc'),
    services: [
      ...deviceServices(registry, simulated, clock),
      simulatorService(simulated),
      ...identityServerServices(registry, createdAtMs),
      ...claimingServices({
        upstreams: [claimingStore],
        authorizations: claimingStore,
        applications: registry.applications,
        findDevice: registry.identityDeviceByIds,
        callerOf,
        types,
      }),
      claimingStoreService(claimingStore),
      networkFactsService({
        netId: NET_ID,
        devAddrBlock: devAddrPrefix(devAddrBlock),
        isUsed: (devAddr) => store.networkSessions.byDevAddr(devAddr).length > 0,
        defaultMacSettings,
      }),
      eventService({ events, clock }),
      applicationLinkService(registry.applicationLinks),
      applicationTrafficService(servers.application, { events, logger: logger.area('rpc') }),
      frameService({ frames, clock }),
      upStorageService({ frames, clock }),
      ...joinServerServices({ store, registry, joinServer: servers.joinServer }),
      frequencyPlanService(planFiles),
      linkService({ links, listPorts }),
      gatewayServerService(servers.gatewayServer),
      deviceRepositoryService(catalogue),
      catalogueService(catalogue),
      workspaceService({
        store,
        frames,
        events,
        links,
        simulated,
        clock,
        demo,
        facts: {
          version: options.version,
          buildId: options.buildId,
          startedAtMs: clock.now(),
          netId: netIdToBytes(NET_ID),
          devAddrBlock,
          listeners: options.listeners,
          loopDelay: loopMeter.read,
        },
      }),
    ],
  });
  const files = createStaticFiles(options.rendererFolder);
  const images = createCatalogueImages(catalogue.image);
  const handle = createHandler({
    router,
    logger: logger.area('rpc'),
    registry: types,
    files: async (request, caller) =>
      (await images(request, caller)) ?? options.refuseInterface?.(caller) ?? files(request),
  });
  return {
    router,
    registry,
    events,
    links,
    simulated,
    fleet,
    handle,
    callerOf,
    async close() {
      demo.stop();
      simulator.stop();
      simulated.stop();
      await gatewayServer.stop();
      await servers.network.close();
      loopMeter.stop();
      await servers.formatterService.close();
      // Uplinks that waited for a formatter go on now; what they store comes before the end.
      await store.unit(() => undefined).catch(() => undefined);
      planFiles.close();
      await catalogue.close();
      await store.close();
    },
  };
}
