import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import { errorText, type GatehouseError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { type ApiKeyTable, createApiKeyTable } from './api-key-table.ts';
import { type CatalogueFile, createCatalogueFile } from './catalogue-file.ts';
import { type ClaimableDeviceTable, createClaimableDeviceTable } from './claimable-device-table.ts';
import { type DataKeyProtection, openDataKey } from './data-key.ts';
import { createDeletedEntityTable, type DeletedEntityTable } from './deleted-entity-table.ts';
import { type DeviceSearch, type FoundDevices, searchDevices } from './device-search.ts';
import {
  createDeviceTable,
  createIdentityDeviceTable,
  createJoinDeviceTable,
  type DeviceTable,
  type IdentityDeviceTable,
} from './device-tables.ts';
import { createFrameStore, type FrameStore, type OwnedFrameStore } from './frame-store.ts';
import { createGroupCommit, type GroupCommit } from './group-commit.ts';
import {
  createDownlinkQueueTable,
  createJoinStateTable,
  type DownlinkQueueTable,
  type JoinStateTable,
} from './join-tables.ts';
import {
  KEY_FILE_NAME,
  type KeyWrapper,
  type KeyWrapperKind,
  keyFileWrapper,
} from './key-wrapper.ts';
import { createMaintenance, type Maintenance } from './maintenance.ts';
import { createSessionKeyTable, type SessionKeyTable } from './session-key-table.ts';
import {
  type ApplicationSessionTable,
  createApplicationSessionTable,
  createNetworkSessionTable,
  type NetworkSessionTable,
} from './session-tables.ts';
import {
  type ApplicationTable,
  createApplicationTable,
  createGatewayTable,
  createMessageTable,
  createSettingsTable,
  type GatewayTable,
  type MessageTable,
  type SettingsTable,
} from './simple-tables.ts';
import { closeFiles, fileBytes, type OpenFiles, openFiles, TEMPORARY } from './store-files.ts';
import { createStoreState } from './store-state.ts';
import { createStoreWorker, type StoreWorker } from './worker-client.ts';
import type { DatabaseName } from './worker-protocol.ts';

export interface StoreDiagnostics {
  readonly registryBytes: number;
  readonly framesBytes: number;
  /** Frames that were not recorded because storing failed for too long. */
  readonly lostFrames: number;
  /** Why something cannot be stored at the moment. */
  readonly cause?: { readonly code: string; readonly text: string };
}

/** How the data key of this workspace is protected. */
export interface KeyProtection {
  readonly openedWith: KeyWrapperKind;
  kinds(): readonly KeyWrapperKind[];
  add(wrapper: KeyWrapper): Promise<void>;
  remove(kind: KeyWrapperKind): Promise<boolean>;
}

export interface Store {
  /** Runs `work` now, all or nothing, and resolves once it is durable. Writes happen in here only. */
  unit<T>(work: () => T): Promise<T>;
  readonly applications: ApplicationTable;
  readonly gateways: GatewayTable;
  readonly apiKeys: ApiKeyTable;
  readonly deletedEntities: DeletedEntityTable;
  readonly settings: SettingsTable;
  readonly links: MessageTable;
  readonly simulatedDevices: MessageTable;
  /** By application; all of a row is sealed. */
  readonly activationSettings: MessageTable;
  /** API keys by the application they let devices be claimed from. */
  readonly claimAuthorizations: MessageTable;
  readonly claimableDevices: ClaimableDeviceTable;
  readonly identityDevices: IdentityDeviceTable;
  readonly joinDevices: DeviceTable;
  readonly networkDevices: DeviceTable;
  readonly applicationDevices: DeviceTable;
  readonly networkSessions: NetworkSessionTable;
  readonly applicationSessions: ApplicationSessionTable;
  readonly downlinkQueue: DownlinkQueueTable;
  readonly joinState: JoinStateTable;
  readonly sessionKeys: SessionKeyTable;
  /** Searches identity devices beside the main thread, in what is committed. */
  searchDevices(search: DeviceSearch): Promise<FoundDevices>;
  readonly frames: FrameStore;
  readonly catalogue: CatalogueFile;
  readonly keyProtection: KeyProtection;
  readonly directory: string;
  diagnostics(): StoreDiagnostics;
  /** Called when storing fails, and without a cause when it works again. */
  onStateChange(listener: (cause: GatehouseError | undefined) => void): () => void;
  /** Called when changes were undone that a cache may have seen. */
  onRollback(listener: () => void): void;
  /** Tells other processes where this one can be reached. */
  publishUrl(url: string): void;
  /** Copies both databases, as they are now, into a folder. */
  backup(directory: string): Promise<void>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Data folder; created if missing. `:memory:` uses a temporary one and forgets it. */
  readonly directory: string;
  /** Tried in order; a new workspace's key is protected by the first. */
  readonly dataKeyWrapper?: KeyWrapper | readonly KeyWrapper[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Script of the store worker, for bundles. */
  readonly workerUrl?: URL;
  /** Given each database as it opens; tests take its space away. */
  readonly onOpened?: (name: DatabaseName, db: Database) => void;
}

function tables(
  db: Database,
  commit: GroupCommit,
  { dataKey }: DataKeyProtection,
): Omit<
  Store,
  | 'unit'
  | 'searchDevices'
  | 'frames'
  | 'catalogue'
  | 'keyProtection'
  | 'directory'
  | 'diagnostics'
  | 'onStateChange'
  | 'onRollback'
  | 'publishUrl'
  | 'backup'
  | 'close'
> {
  const context = { db, commit, dataKey };
  return {
    applications: createApplicationTable(context),
    gateways: createGatewayTable(context),
    apiKeys: createApiKeyTable(context),
    deletedEntities: createDeletedEntityTable(context),
    settings: createSettingsTable(context),
    links: createMessageTable(context, 'links'),
    simulatedDevices: createMessageTable(context, 'simulated_devices'),
    activationSettings: createMessageTable(context, 'activation_settings'),
    claimAuthorizations: createMessageTable(context, 'claim_authorizations'),
    claimableDevices: createClaimableDeviceTable(context),
    identityDevices: createIdentityDeviceTable(context),
    joinDevices: createJoinDeviceTable(context),
    networkDevices: createDeviceTable(context, 'ns_devices'),
    applicationDevices: createDeviceTable(context, 'as_devices'),
    networkSessions: createNetworkSessionTable(context),
    applicationSessions: createApplicationSessionTable(context),
    downlinkQueue: createDownlinkQueueTable(context),
    joinState: createJoinStateTable(context),
    sessionKeys: createSessionKeyTable(context),
  };
}

async function openProtection(
  files: OpenFiles,
  { dataKeyWrapper }: StoreOptions,
): Promise<DataKeyProtection> {
  const wrappers = dataKeyWrapper ?? keyFileWrapper(join(files.directory, KEY_FILE_NAME));
  try {
    return await openDataKey({
      db: files.registry,
      wrappers: 'kind' in wrappers ? [wrappers] : wrappers,
      directory: files.directory,
    });
  } catch (error) {
    closeFiles(files);
    if (files.isNew && !files.isTemporary) {
      for (const suffix of ['', '-wal', '-shm']) {
        rmSync(files.registryPath + suffix, { force: true });
      }
    }
    throw error;
  }
}

interface Parts {
  readonly files: OpenFiles;
  readonly protection: DataKeyProtection;
  readonly commit: GroupCommit;
  readonly frames: OwnedFrameStore;
  readonly catalogue: CatalogueFile;
  readonly worker: StoreWorker;
  /** Device searches have a worker to themselves: nobody waits for a search through frames to find a device. */
  readonly searcher: StoreWorker;
  readonly maintenance: Maintenance;
}

function keyProtection({ protection, commit }: Parts): KeyProtection {
  return {
    openedWith: protection.openedWith,
    kinds: protection.kinds,
    async add(wrapper) {
      commit.commit();
      await protection.add(wrapper);
    },
    async remove(kind) {
      commit.commit();
      return protection.remove(kind);
    },
  };
}

/** Opens the data folder and everything in it. */
export async function createStore(options: StoreOptions): Promise<Store> {
  const { clock } = options;
  const logger = options.logger.area('store');
  const files = openFiles(options.directory, clock);
  const protection = await openProtection(files, options);
  const { registryPath, framesPath } = files;
  const cataloguePath = join(files.directory, 'catalogue.db');
  options.onOpened?.('registry', files.registry);
  options.onOpened?.('frames', files.framesDb);
  const state = createStoreState();
  const commit = createGroupCommit(files.registry, registryPath);
  const [worker, searcher] = (['the store worker', 'the search of devices'] as const).map((name) =>
    createStoreWorker({
      url: options.workerUrl ?? new URL('./store-worker.ts', import.meta.url),
      data: { registryPath, framesPath, cataloguePath },
      onError: (error) => logger.error({ error: errorText(error) }, `${name} failed`),
    }),
  ) as [StoreWorker, StoreWorker];
  const storeTables = tables(files.registry, commit, protection);
  const maintenance = createMaintenance({
    clock,
    logger,
    worker,
    checkpoints: !files.isTemporary,
    maxFrames: () => Number(storeTables.settings.getText('frames.max') ?? Number.NaN),
    totalFrames: () => frames.total(),
    onDeleted: (count) => frames.deleted(count),
    probe: () => void commit.unit(() => files.registry.exec(PROBE_SQL)).catch(() => undefined),
  });
  commit.onCommit((units) => maintenance.wrote('registry', units));
  commit.onFailure((failure) => {
    state.set('registry', failure);
    maintenance.probing(failure !== undefined);
  });
  const frames = createFrameStore({
    db: files.framesDb,
    path: framesPath,
    clock,
    logger,
    worker,
    rowsPerCommit: files.isTemporary ? TEMPORARY.frameRowsPerCommit : 1,
    onCommit: (rows) => maintenance.wrote('frames', rows),
    onFailure: (failure) => state.set('frames', failure),
  });
  const catalogue = createCatalogueFile(cataloguePath, worker);
  const parts = { files, protection, commit, frames, catalogue, worker, searcher, maintenance };
  state.onChange((cause) => {
    if (cause) logger.error({ code: cause.code }, cause.message);
    else logger.info({}, 'storing works again');
  });
  return {
    ...storeTables,
    unit: commit.unit,
    // A temporary registry is open to its own connection only.
    searchDevices: async (search) =>
      files.isTemporary
        ? searchDevices(files.registry, search)
        : searcher.call('searchDevices', search),
    frames,
    catalogue,
    keyProtection: keyProtection(parts),
    directory: files.directory,
    diagnostics() {
      const cause = state.cause();
      return {
        registryBytes: fileBytes(registryPath),
        framesBytes: fileBytes(framesPath),
        lostFrames: frames.lostCount(),
        ...(cause && { cause: { code: cause.code, text: cause.message } }),
      };
    },
    onStateChange: state.onChange,
    onRollback: commit.onRollback,
    publishUrl: files.lock.publishUrl,
    backup: (directory) => backup(parts, directory),
    close: () => close(parts),
  };
}

/** Needs new pages, so that it fails while the disk is full; leaves nothing behind. */
const PROBE_SQL = `INSERT INTO settings(key, value) VALUES ('store.probe', zeroblob(65536));
DELETE FROM settings WHERE key = 'store.probe';`;

async function backup({ commit, frames, worker }: Parts, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  commit.commit();
  await frames.flush();
  await worker.call('backup', { database: 'registry', path: join(directory, 'gatehouse.db') });
  await worker.call('backup', { database: 'frames', path: join(directory, 'frames.db') });
}

async function close({
  files,
  commit,
  frames,
  catalogue,
  worker,
  searcher,
  maintenance,
}: Parts): Promise<void> {
  if (!files.registry.open) return;
  maintenance.close();
  commit.close();
  frames.close();
  catalogue.close();
  await Promise.all([worker.close(), searcher.close()]);
  if (files.registry.open) closeFiles(files);
}
