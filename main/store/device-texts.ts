import type Database from 'better-sqlite3';
import type { SqlValue } from 'better-sqlite3';
import type { DevEui, JoinEui } from '../lorawan/index.ts';

/** Columns of `device_texts` and `device_search`, in their order. */
export const TEXT_COLUMNS = ['device_id', 'name', 'description', 'dev_eui', 'join_eui'] as const;
export type TextColumn = (typeof TEXT_COLUMNS)[number];

/**
 * Text as it is compared in searches: without case. NUL, at which SQLite's functions end a text, becomes a space. Also
 * SQL's `fold_text`, with which a migration fills the search of devices that were there before it.
 */
export function foldText(text: string): string {
  return text.toLowerCase().replaceAll('\0', ' ');
}

/**
 * The search knows a device by its application's row above its own, so that one range of numbers is one application and
 * the text index answers for it alone.
 */
export const SEARCH_ID_STRIDE = 2 ** 32;

/** What a search looks at. */
export interface SearchedDevice {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly devEui?: DevEui;
  readonly joinEui?: JoinEui;
}

/** Keeps the search of identity devices in step with them; called in their units of work. */
export interface DeviceTexts {
  put(row: number, device: SearchedDevice): void;
  delete(row: number, applicationId: string): void;
}

type Texts = Readonly<Record<TextColumn, string>>;

function textsOf(device: SearchedDevice): Texts {
  return {
    device_id: foldText(device.deviceId),
    name: foldText(device.name),
    description: foldText(device.description),
    dev_eui: foldText(device.devEui ?? ''),
    join_eui: foldText(device.joinEui ?? ''),
  };
}

const valuesOf = (texts: Texts): SqlValue[] => TEXT_COLUMNS.map((column) => texts[column]);

export function createDeviceTexts(db: Database): DeviceTexts {
  const places = TEXT_COLUMNS.map(() => '?');
  const applicationRow = db
    .prepare<number>('SELECT id FROM applications WHERE application_id = ?')
    .pluck();
  const get = db.prepare<Texts>(`SELECT ${TEXT_COLUMNS} FROM device_texts WHERE id = ?`);
  const put = db.prepare(
    `INSERT OR REPLACE INTO device_texts(id, ${TEXT_COLUMNS}) VALUES (?, ${places})`,
  );
  const remove = db.prepare('DELETE FROM device_texts WHERE id = ?');
  const index = db.prepare(
    `INSERT INTO device_search(rowid, ${TEXT_COLUMNS}) VALUES (?, ${places})`,
  );
  // The index keeps no texts of its own, so it has to be told which ones go.
  const unindex = db.prepare(
    `INSERT INTO device_search(device_search, rowid, ${TEXT_COLUMNS}) VALUES ('delete', ?, ${places})`,
  );
  const attributesOf = db.prepare<{ key: string; value: string }>(
    'SELECT key, value FROM device_attributes WHERE device = ? ORDER BY key',
  );
  const putAttribute = db.prepare(
    'INSERT INTO device_attributes(device, key, value) VALUES (?, ?, ?)',
  );
  const removeAttributes = db.prepare('DELETE FROM device_attributes WHERE device = ?');
  const searchId = (row: number, applicationId: string): number =>
    (applicationRow.get(applicationId) ?? 0) * SEARCH_ID_STRIDE + row;

  const putAttributes = (
    id: number,
    attributes: Readonly<Record<string, string>>,
    isNew: boolean,
  ): void => {
    const wanted = Object.entries(attributes)
      .map(([key, value]) => ({ key, value: foldText(value) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const known = isNew ? [] : attributesOf.all(id);
    const isSame =
      known.length === wanted.length &&
      wanted.every(({ key, value }, at) => known[at]?.key === key && known[at]?.value === value);
    if (isSame) return;
    if (known.length > 0) removeAttributes.run(id);
    for (const { key, value } of wanted) putAttribute.run(id, key, value);
  };

  return {
    put(row, device) {
      const id = searchId(row, device.applicationId);
      const texts = textsOf(device);
      const known = get.get(id);
      // Devices are stored at every sign of life; their texts hardly ever change.
      if (!known || TEXT_COLUMNS.some((column) => known[column] !== texts[column])) {
        if (known) unindex.run(id, ...valuesOf(known));
        put.run(id, ...valuesOf(texts));
        index.run(id, ...valuesOf(texts));
      }
      putAttributes(id, device.attributes, !known);
    },
    delete(row, applicationId) {
      const id = searchId(row, applicationId);
      const known = get.get(id);
      if (known) unindex.run(id, ...valuesOf(known));
      remove.run(id);
      removeAttributes.run(id);
    },
  };
}
