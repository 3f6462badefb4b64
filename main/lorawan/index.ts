export { timeOnAirUs } from './airtime.ts';
export * from './crypto/index.ts';
export {
  type DevAddrPrefix,
  devAddrInPrefix,
  devAddrPrefixOf,
  formatDevAddrPrefix,
  netIdType,
  netIdTypeOfDevAddr,
  nwkIdOfDevAddr,
  parseDevAddrPrefix,
  prefixContains,
} from './dev-addr-prefix.ts';
export type { FieldSpan } from './field-span.ts';
export * from './frames/index.ts';
export { formatHex, parseHex } from './hex.ts';
export * from './identifiers.ts';
export type { Issue } from './issue.ts';
export {
  formatJoinEuiPrefix,
  type JoinEuiPrefix,
  joinEuiPrefixContains,
  parseJoinEuiPrefix,
} from './join-eui-prefix.ts';
export * from './mac-commands/index.ts';
export * from './regional/index.ts';
export * from './versions.ts';
