import { randomBytes } from 'node:crypto';
import { type DevEui, eui64FromBytes, formatHex, parseHex } from '../lorawan/index.ts';
import type { Store } from '../store/index.ts';
import { noEuiOrBlockAvailable } from './errors.ts';

/** The first five bytes of every DevEUI this workspace issues. */
const BLOCK_SETTING = 'registry.dev_eui_block';
/** How many were taken from the block. */
const COUNTER_SETTING = 'registry.dev_eui_counter';
const BLOCK_BYTES = 5;
const BLOCK_SIZE = 2 ** 24;

/**
 * A block of its own per workspace, of locally administered EUIs (IEEE: bit 1 of the first byte is 1, bit 0 is 0): they
 * belong to nobody, so devices that leave the lab need one of a block that was assigned.
 */
function newBlock(): Uint8Array {
  const block = new Uint8Array(randomBytes(BLOCK_BYTES));
  block[0] = ((block[0] ?? 0) & 0xfc) | 0x02;
  return block;
}

/** Answers the next DevEUI that no device has. Call it inside a unit. */
export function issueDevEui({ settings, identityDevices }: Store): DevEui {
  const known = settings.getText(BLOCK_SETTING);
  const block = (known !== undefined && parseHex(known)) || newBlock();
  if (known === undefined) settings.put(BLOCK_SETTING, formatHex(block));
  const first = Number(settings.getText(COUNTER_SETTING) ?? 0);
  for (let counter = first; counter < BLOCK_SIZE; counter += 1) {
    const bytes = Uint8Array.of(...block, counter >> 16, counter >> 8, counter);
    const devEui = eui64FromBytes(bytes) as DevEui;
    if (identityDevices.hasDevEui(devEui)) continue;
    settings.put(COUNTER_SETTING, String(counter + 1));
    return devEui;
  }
  throw noEuiOrBlockAvailable();
}
