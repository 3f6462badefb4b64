/** Ids of The Things Stack: lower-case letters, digits and single dashes, 3 to 36 characters. */
const ID = /^[a-z0-9](?:-?[a-z0-9]){2,}$/;

export function isId(text: string): boolean {
  return text.length <= 36 && ID.test(text);
}

/** Nearest id to what was typed. */
export function slugify(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 36)
    .replace(/^-|-$/g, '');
}

/** Id to offer for a device: from its name if that gives one, else from its DevEUI. */
export function suggestDeviceId(name: string, devEuiHex: string | undefined): string {
  const slug = slugify(name);
  if (isId(slug)) return slug;
  return devEuiHex === undefined ? '' : `eui-${devEuiHex.toLowerCase()}`;
}

/** A DevAddr in a block such as `02AB0000/16`; undefined if the block cannot be read. */
export function devAddrInBlock(
  block: string,
  random: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const match = /^([0-9A-F]{8})\/(\d{1,2})$/i.exec(block);
  const bits = Number(match?.[2] ?? 33);
  if (match === null || bits > 32) return undefined;
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  const noise = new DataView(random.buffer, random.byteOffset, 4).getUint32(0);
  const address = ((Number.parseInt(match[1] ?? '', 16) & mask) | (noise & ~mask)) >>> 0;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, address);
  return bytes;
}

/** An EUI from the range that nobody assigns: locally administered, individual. */
export function localEui(random: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(random.slice(0, 8));
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes;
}
