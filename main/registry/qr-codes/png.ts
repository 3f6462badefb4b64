import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const HEADER_BYTES = 13;
/** Bits per pixel, greyscale: the smallest PNG of black and white. */
const ONE_BIT = 1;

function chunk(name: string, data: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const frame = Buffer.alloc(4 + content.length + 4);
  frame.writeUInt32BE(data.length, 0);
  content.copy(frame, 4);
  frame.writeUInt32BE(crc32(content), 4 + content.length);
  return frame;
}

/**
 * A square picture in black and white as PNG (ISO/IEC 15948).
 *
 * @param isBlack colour of a pixel, counted from the upper left
 */
export function blackAndWhitePng(
  size: number,
  isBlack: (x: number, y: number) => boolean,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = ONE_BIT;
  const rowBytes = 1 + Math.ceil(size / 8);
  // The first byte of each row says that it is not filtered.
  const pixels = Buffer.alloc(rowBytes * size);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const at = y * rowBytes + 1 + (x >> 3);
      if (!isBlack(x, y)) pixels[at] = (pixels[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return new Uint8Array(
    Buffer.concat([
      SIGNATURE,
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(pixels)),
      chunk('IEND', new Uint8Array()),
    ]),
  );
}
