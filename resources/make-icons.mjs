/**
 * Draws `icon.svg` into every icon file beside it, with the Chromium the browser tests use. Run it after changing the
 * drawing and commit what it writes: `node resources/make-icons.mjs`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import { chromium as browserType } from 'playwright-core';

const folder = fileURLToPath(new URL('.', import.meta.url));
const SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024];
const ICO_SIZES = [16, 24, 32, 48, 64, 128, 256];
/** Types of an Apple icon file and the pixels each holds. */
const ICNS_TYPES = /** @type {const} */ ([
  ['icp4', 16],
  ['icp5', 32],
  ['ic11', 32],
  ['ic12', 64],
  ['ic07', 128],
  ['ic13', 256],
  ['ic08', 256],
  ['ic14', 512],
  ['ic09', 512],
  ['ic10', 1024],
]);

/** @returns {Promise<Map<number, Buffer>>} PNG files by size */
async function draw() {
  const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
  const browser = await browserType.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args,
  });
  try {
    const page = await browser.newPage();
    /** @type {Map<number, Buffer>} */
    const images = new Map();
    for (const size of SIZES) {
      await page.setViewportSize({ width: size, height: size });
      await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw}</style>${svg}`);
      images.set(size, await page.screenshot({ omitBackground: true }));
    }
    return images;
  } finally {
    await browser.close();
  }
}

/**
 * A Windows icon file: a directory of PNG images.
 * @param {readonly (readonly [number, Buffer])[]} images
 */
function icoFile(images) {
  const directory = Buffer.alloc(6 + 16 * images.length);
  directory.writeUInt16LE(1, 2);
  directory.writeUInt16LE(images.length, 4);
  let offset = directory.length;
  images.forEach(([size, png], index) => {
    const entry = 6 + 16 * index;
    directory.writeUInt8(size % 256, entry);
    directory.writeUInt8(size % 256, entry + 1);
    directory.writeUInt16LE(1, entry + 4);
    directory.writeUInt16LE(32, entry + 6);
    directory.writeUInt32LE(png.length, entry + 8);
    directory.writeUInt32LE(offset, entry + 12);
    offset += png.length;
  });
  return Buffer.concat([directory, ...images.map(([, png]) => png)]);
}

/**
 * An Apple icon file: typed chunks of PNG images.
 * @param {readonly (readonly [string, Buffer])[]} images
 */
function icnsFile(images) {
  const chunks = images.map(([type, png]) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32BE(png.length + 8, 4);
    return Buffer.concat([head, png]);
  });
  const body = Buffer.concat(chunks);
  const head = Buffer.alloc(8);
  head.write('icns', 'latin1');
  head.writeUInt32BE(body.length + 8, 4);
  return Buffer.concat([head, body]);
}

const images = await draw();
/** @param {number} size */
const image = (size) => images.get(size) ?? Buffer.alloc(0);
mkdirSync(join(folder, 'icons'), { recursive: true });
for (const size of SIZES.filter((size) => size <= 512)) {
  writeFileSync(join(folder, 'icons', `${size}x${size}.png`), image(size));
}
writeFileSync(
  join(folder, 'icon.ico'),
  icoFile(ICO_SIZES.map((size) => /** @type {const} */ ([size, image(size)]))),
);
writeFileSync(
  join(folder, 'icon.icns'),
  icnsFile(ICNS_TYPES.map(([type, size]) => /** @type {const} */ ([type, image(size)]))),
);
