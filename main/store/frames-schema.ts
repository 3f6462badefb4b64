/**
 * Layout of frames.db, one script per version. `receptions` holds only what is not decided yet; a decided frame carries
 * its receptions in its message. `search` is the lower-case text that filters look in.
 */
export const FRAMES_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta(key, value) VALUES ('total', 0), ('last_frame_id', 0), ('last_reception_id', 0);
CREATE TABLE devices(
  key INTEGER PRIMARY KEY, application_id TEXT NOT NULL, device_id TEXT NOT NULL, UNIQUE(application_id, device_id));
CREATE TABLE receptions(id INTEGER PRIMARY KEY, record TEXT NOT NULL, phy_payload BLOB NOT NULL);
CREATE TABLE frames(
  id INTEGER PRIMARY KEY, device INTEGER, search TEXT NOT NULL, message BLOB NOT NULL);
CREATE INDEX frames_device ON frames(device) WHERE device IS NOT NULL;
`,
];
