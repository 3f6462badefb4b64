import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ApplicationActivationSettings,
  ApplicationActivationSettingsSchema,
} from '../api/gen/ttn/lorawan/v3/joinserver_pb.js';
import type { RegistryContext } from './context.ts';
import {
  activationSettingsNotFound,
  applicationNotFound,
  joinFieldMask,
  joinFieldValue,
  noKekLabel,
  noPaths,
} from './errors.ts';
import { covers, isZeroBytes, mergeByPaths, pickByPaths } from './masks.ts';

/** What the devices of an application have in common when they join: who gets their AppSKey, and under which key. */
export interface ActivationSettings {
  get(applicationId: string, paths: readonly string[]): Promise<ApplicationActivationSettings>;
  set(
    applicationId: string,
    settings: ApplicationActivationSettings,
    paths: readonly string[],
  ): Promise<ApplicationActivationSettings>;
  delete(applicationId: string): Promise<void>;
  /** For the join server. */
  of(applicationId: string): ApplicationActivationSettings | undefined;
  /** Takes the settings away inside the unit that purges the application. */
  drop(applicationId: string): boolean;
}

/** Checks that need nothing stored. */
function checkActivationSettings(
  settings: ApplicationActivationSettings | undefined,
  paths: readonly string[],
): void {
  if (paths.length === 0) throw joinFieldMask({}, { cause: noPaths() });
  if (!settings?.kek || !covers(paths, 'kek.key')) return;
  if (isZeroBytes(settings.kek.key)) throw joinFieldValue({ field: 'kek.key' });
  if (!covers(paths, 'kek_label')) throw joinFieldMask({}, { cause: noKekLabel() });
  if (settings.kekLabel === '') throw noKekLabel();
}

export function createActivationSettings(context: RegistryContext): ActivationSettings {
  const { store } = context;
  const read = (applicationId: string): ApplicationActivationSettings | undefined => {
    const { secrets } = store.activationSettings.get(applicationId) ?? {};
    return secrets && fromBinary(ApplicationActivationSettingsSchema, secrets);
  };
  const drop = (applicationId: string): boolean => store.activationSettings.delete(applicationId);
  return {
    async get(applicationId, paths) {
      const settings = read(applicationId);
      if (!settings) throw activationSettingsNotFound();
      return pickByPaths(ApplicationActivationSettingsSchema, settings, paths);
    },
    set: (applicationId, settings, paths) =>
      context.transact(() => {
        checkActivationSettings(settings, paths);
        if (!store.applications.get(applicationId))
          throw applicationNotFound({ application_id: applicationId });
        const stored = read(applicationId) ?? create(ApplicationActivationSettingsSchema);
        mergeByPaths(ApplicationActivationSettingsSchema, stored, settings, paths);
        const secrets = toBinary(ApplicationActivationSettingsSchema, stored);
        store.activationSettings.put({ id: applicationId, message: new Uint8Array(), secrets });
        return pickByPaths(ApplicationActivationSettingsSchema, stored, paths);
      }),
    delete: (applicationId) =>
      context.transact(() => {
        if (!drop(applicationId)) throw activationSettingsNotFound();
      }),
    of: read,
    drop,
  };
}
