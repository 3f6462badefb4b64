export {
  type DecodedMacCommand,
  type DecodedMacCommands,
  decodeMacCommands,
  encodeMacCommand,
  encodeMacCommands,
  MAC_COMMAND_ROWS,
  type MacCommand,
  type MacCommandName,
  type MacCommandNamed,
  type MacCommandOptions,
  macCommandLength,
  macCommandRow,
  macCommandRowByName,
} from './codec.ts';
export type { FieldKind, FieldSpec, FieldValue } from './fields.ts';
export { macCommandLayout } from './layout.ts';
export type { MacCommandRow } from './row.ts';
export { MAX_EIRP_DBM } from './table.ts';
