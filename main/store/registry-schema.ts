const DEVICE_COLUMNS = `
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  application_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  join_eui BLOB,
  dev_eui BLOB`;

const DEVICE_KEYS = (table: string): string => `
CREATE UNIQUE INDEX ${table}_ids ON ${table}(application_id, device_id);
CREATE UNIQUE INDEX ${table}_euis ON ${table}(dev_eui, join_eui) WHERE dev_eui IS NOT NULL AND join_eui IS NOT NULL;`;

/** Layout of gatehouse.db, one script per version. Released scripts are never changed. */
export const REGISTRY_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE settings(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE applications(
  id INTEGER PRIMARY KEY, application_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at_ms REAL NOT NULL,
  message BLOB NOT NULL);
CREATE TABLE gateways(
  id INTEGER PRIMARY KEY, gateway_id TEXT NOT NULL UNIQUE, eui BLOB UNIQUE, name TEXT NOT NULL,
  created_at_ms REAL NOT NULL, is_new INTEGER NOT NULL, secrets BLOB, message BLOB NOT NULL);
CREATE TABLE api_keys(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, rights TEXT NOT NULL, application_id TEXT,
  created_at_ms REAL NOT NULL, expires_at_ms REAL) WITHOUT ROWID;
CREATE TABLE links(id TEXT PRIMARY KEY, secrets BLOB, message BLOB NOT NULL);
CREATE TABLE simulated_devices(id TEXT PRIMARY KEY, secrets BLOB, message BLOB NOT NULL);

CREATE TABLE is_devices(${DEVICE_COLUMNS},
  name TEXT NOT NULL, description TEXT NOT NULL, attributes TEXT NOT NULL,
  created_at_ms REAL NOT NULL, updated_at_ms REAL NOT NULL, last_seen_at_ms REAL, message BLOB NOT NULL);
CREATE TABLE js_devices(${DEVICE_COLUMNS}, keys BLOB, message BLOB NOT NULL);
CREATE TABLE ns_devices(${DEVICE_COLUMNS}, message BLOB NOT NULL);
CREATE TABLE as_devices(${DEVICE_COLUMNS}, message BLOB NOT NULL);
${['is_devices', 'js_devices', 'ns_devices', 'as_devices'].map(DEVICE_KEYS).join('')}

CREATE TABLE js_state(
  device_row INTEGER PRIMARY KEY REFERENCES js_devices(id) ON DELETE CASCADE, last_dev_nonce INTEGER,
  used_dev_nonces BLOB NOT NULL, last_join_nonce INTEGER, last_rj_count0 INTEGER, last_rj_count1 INTEGER);
CREATE TABLE ns_sessions(
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_row INTEGER NOT NULL REFERENCES ns_devices(id) ON DELETE CASCADE,
  kind INTEGER NOT NULL, dev_addr INTEGER NOT NULL, session_key_id BLOB NOT NULL, keys BLOB NOT NULL,
  last_f_cnt_up INTEGER, last_n_f_cnt_down INTEGER, last_conf_f_cnt_down INTEGER, started_at_ms REAL NOT NULL,
  UNIQUE(device_row, kind));
CREATE INDEX ns_sessions_dev_addr ON ns_sessions(dev_addr);
CREATE TABLE ns_mac_states(
  session_id INTEGER PRIMARY KEY REFERENCES ns_sessions(id) ON DELETE CASCADE, message BLOB NOT NULL);
CREATE TABLE as_sessions(
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_row INTEGER NOT NULL REFERENCES as_devices(id) ON DELETE CASCADE,
  kind INTEGER NOT NULL, dev_addr INTEGER, session_key_id BLOB NOT NULL, app_s_key BLOB,
  last_a_f_cnt_down INTEGER, started_at_ms REAL NOT NULL, UNIQUE(device_row, kind));
CREATE TABLE ns_downlinks(
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_row INTEGER NOT NULL REFERENCES ns_devices(id) ON DELETE CASCADE,
  session_key_id BLOB NOT NULL, message BLOB NOT NULL);
CREATE INDEX ns_downlinks_device ON ns_downlinks(device_row);
`,
  // What the network server itself has to remember of LoRaWAN 1.1 sessions: AFCntDown and RJcount0.
  `
ALTER TABLE ns_sessions ADD COLUMN last_a_f_cnt_down INTEGER;
ALTER TABLE ns_sessions ADD COLUMN last_rj_count0 INTEGER;
`,
  // Session keys that the join server hands out again to whoever lost them.
  `
CREATE TABLE js_session_keys(
  id INTEGER PRIMARY KEY AUTOINCREMENT, device_row INTEGER NOT NULL REFERENCES js_devices(id) ON DELETE CASCADE,
  session_key_id BLOB NOT NULL, keys BLOB NOT NULL, UNIQUE(device_row, session_key_id));
`,
  // Orders of lists, and the search of devices: their texts without case, an index of every three characters of them, and
  // their attributes. `id` and `device` are the application's row times 2^32 plus the device's.
  `
CREATE INDEX is_devices_name ON is_devices(application_id, name, device_id);
CREATE INDEX is_devices_created ON is_devices(application_id, created_at_ms, device_id);
CREATE INDEX is_devices_seen ON is_devices(application_id, last_seen_at_ms, device_id);
CREATE TABLE device_texts(
  id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  dev_eui TEXT NOT NULL, join_eui TEXT NOT NULL);
CREATE TABLE device_attributes(
  key TEXT NOT NULL, device INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY(key, device)) WITHOUT ROWID;
CREATE INDEX device_attributes_device ON device_attributes(device);
CREATE VIRTUAL TABLE device_search USING fts5(
  device_id, name, description, dev_eui, join_eui,
  content='device_texts', content_rowid='id', tokenize='trigram case_sensitive 1');
INSERT INTO device_texts
  SELECT (ifnull(a.id, 0) << 32) + d.id, fold_text(d.device_id), fold_text(d.name), fold_text(d.description),
    fold_text(ifnull(hex(d.dev_eui), '')), fold_text(ifnull(hex(d.join_eui), ''))
  FROM is_devices d LEFT JOIN applications a USING (application_id);
INSERT INTO device_attributes
  SELECT j.key, (ifnull(a.id, 0) << 32) + d.id, fold_text(j.value)
  FROM is_devices d LEFT JOIN applications a USING (application_id), json_each(d.attributes) j;
INSERT INTO device_search(device_search) VALUES ('rebuild');
`,
  // API keys of gateways, and when a key was changed.
  `
ALTER TABLE api_keys ADD COLUMN gateway_id TEXT;
ALTER TABLE api_keys ADD COLUMN updated_at_ms REAL;
CREATE INDEX api_keys_owner ON api_keys(application_id, gateway_id);
`,
  // Applications and gateways that were deleted and can still be restored; what an application's devices join with; devices
  // by their DevEUI that have no JoinEUI.
  `
CREATE TABLE deleted_entities(
  kind TEXT NOT NULL, id TEXT NOT NULL, deleted_at_ms REAL NOT NULL, message BLOB NOT NULL, secrets BLOB,
  PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE TABLE activation_settings(id TEXT PRIMARY KEY, secrets BLOB, message BLOB NOT NULL);
CREATE INDEX is_devices_dev_eui ON is_devices(dev_eui) WHERE dev_eui IS NOT NULL AND join_eui IS NULL;
`,
  // Devices that can be claimed here, by their codes, and applications that devices may be claimed from.
  `
CREATE TABLE claimable_devices(
  join_eui BLOB NOT NULL, dev_eui BLOB NOT NULL, code BLOB NOT NULL, added_at_ms REAL NOT NULL,
  application_id TEXT, device_id TEXT, claimed_at_ms REAL, PRIMARY KEY(join_eui, dev_eui)) WITHOUT ROWID;
CREATE TABLE claim_authorizations(id TEXT PRIMARY KEY, secrets BLOB, message BLOB NOT NULL);
`,
];
