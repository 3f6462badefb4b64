export type { ApiKeyOrder, ApiKeyOwner, ApiKeyRow, ApiKeyTable } from './api-key-table.ts';
export { type BoundedCache, createBoundedCache } from './bounded-cache.ts';
export type { CatalogueFile } from './catalogue-file.ts';
export type { CatalogueQuery, CatalogueRows } from './catalogue-queries.ts';
export type { CatalogueCodecRow, CatalogueImageRow, CatalogueReader } from './catalogue-reader.ts';
export {
  CATALOGUE_STATE,
  type CatalogueCounts,
  type CatalogueProblemRow,
  type CatalogueVersionRow,
  type CodecKind,
} from './catalogue-schema.ts';
export type { CatalogueVersionWriter, CatalogueWriter } from './catalogue-writer.ts';
export type {
  ClaimableDevice,
  ClaimableDeviceTable,
  DeviceClaim,
} from './claimable-device-table.ts';
export type { DeletedEntity, DeletedEntityTable, DeletedKind } from './deleted-entity-table.ts';
export type {
  DeviceOrder,
  DeviceSearch,
  DeviceSearchFilter,
  FoundDevices,
} from './device-search.ts';
export type {
  DeviceRow,
  DeviceTable,
  IdentityColumns,
  IdentityDeviceTable,
  IdentityFilter,
} from './device-tables.ts';
export {
  closed as storeClosed,
  damaged as storeDamaged,
  full as storeFull,
  ioFailed as storeIoFailed,
  keysLocked,
  locked as storeLocked,
  newerFile,
} from './errors.ts';
export { dataRateMessage, type ReceptionRecord, receptionMessage } from './frame-messages.ts';
export {
  type FrameChange,
  type FrameList,
  type FrameStore,
  MOST_RECEPTIONS,
} from './frame-store.ts';
export type {
  DownlinkQueueTable,
  JoinState,
  JoinStateTable,
  QueuedDownlink,
} from './join-tables.ts';
export {
  KEY_FILE_NAME,
  type KeyWrapper,
  type KeyWrapperKind,
  keyFileWrapper,
  passphraseWrapper,
} from './key-wrapper.ts';
export { type LockInfo, readLockInfo } from './lock.ts';
export { DEFAULT_MAX_FRAMES } from './maintenance.ts';
export type { SessionKeyTable, StoredSessionKeys } from './session-key-table.ts';
export type {
  ApplicationSession,
  ApplicationSessionTable,
  NetworkSession,
  NetworkSessionKeys,
  NetworkSessionTable,
  SessionKind,
} from './session-tables.ts';
export type {
  ApplicationRow,
  ApplicationTable,
  GatewayRow,
  GatewayTable,
  MessageRow,
  MessageTable,
  Page,
  PageRequest,
  SettingsTable,
} from './simple-tables.ts';
export {
  createStore,
  type KeyProtection,
  type Store,
  type StoreDiagnostics,
  type StoreOptions,
} from './store.ts';
export type { FrameQuery } from './worker-protocol.ts';
