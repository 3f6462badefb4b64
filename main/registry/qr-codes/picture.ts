import { encodeQR } from 'qr';
import { blackAndWhitePng } from './png.ts';

/** Light modules around the code, without which readers do not find it (ISO/IEC 18004 §7.3.1). */
const QUIET_MODULES = 4;

/**
 * The QR code of a text as PNG, with medium error correction. Modules are whole pixels and the rest is margin; a code that
 * does not fit into `size` pixels is as large as it has to be.
 */
export function qrPicture(text: string, size: number): Uint8Array {
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_MODULES });
  const pixels = Math.max(size, modules.length);
  const scale = Math.floor(pixels / modules.length);
  const margin = Math.floor((pixels - scale * modules.length) / 2);
  const moduleAt = (pixel: number): number => Math.floor((pixel - margin) / scale);
  return blackAndWhitePng(pixels, (x, y) => modules[moduleAt(y)]?.[moduleAt(x)] ?? false);
}
