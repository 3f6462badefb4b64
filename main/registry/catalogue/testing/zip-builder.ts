/** Writes ZIP files entry by entry, also such as no honest program writes. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data?: Uint8Array | string;
  /** Type and permissions on Unix, e.g. 0o120777 for a symbolic link. */
  readonly unixMode?: number;
  /** Said to be so large, whatever it is. */
  readonly declaredSize?: number;
  readonly encrypted?: boolean;
  readonly method?: number;
}

const UTF8_NAMES = 0x0800;
const ENCRYPTED = 0x0001;
const DEFLATED = 8;
const STORED = 0;

function header(entry: ZipEntry, packed: Uint8Array, size: number, crc: number): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(UTF8_NAMES | (entry.encrypted ? ENCRYPTED : 0), 2);
  fields.writeUInt16LE(entry.method ?? DEFLATED, 4);
  fields.writeUInt32LE(0x5a21_0000, 6);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(entry.declaredSize ?? size, 18);
  fields.writeUInt16LE(Buffer.byteLength(entry.name), 22);
  return fields;
}

/** A ZIP file with these entries in this order. */
export function buildZip(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '');
    const packed = entry.method === STORED ? data : deflateRawSync(data, { level: 1 });
    const fields = header(entry, packed, data.length, crc32(data));
    const name = Buffer.from(entry.name);
    const before = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.unixMode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(
      Buffer.from('PK\x01\x02', 'latin1'),
      Buffer.from([20, entry.unixMode === undefined ? 0 : 3]),
      fields,
      tail,
      name,
    );
    local.push(before);
    offset += before.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(Math.min(entries.length, 0xffff), 8);
  end.writeUInt16LE(Math.min(entries.length, 0xffff), 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
