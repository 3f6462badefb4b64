import { type DevAddr, devAddrToLsb } from '../identifiers.ts';
import { aesEncryptBlock, BLOCK_BYTES } from './aes.ts';
import { expandKey } from './expand-key.ts';

/** Beacon periods begin at multiples of it in GPS time. */
const BEACON_PERIOD_MS = 128_000;
/** The first slot of a beacon period. */
const FIRST_SLOT_MS = 2_120;
const SLOT_MS = 30;
const SLOTS_PER_PERIOD = 4096;

const ZERO_KEY = expandKey(new Uint8Array(BLOCK_BYTES));

/**
 * Slot offset of a class B device in a beacon period (TS001-1.0.4 §13.4).
 *
 * @param beaconTimeS start of the beacon period in GPS seconds
 * @param pingPeriod slots between two ping slots: 2^(5 + k) for one every 2^k seconds
 */
export function pingOffset(beaconTimeS: number, devAddr: DevAddr, pingPeriod: number): number {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let i = 0; i < 4; i++) block[i] = Math.floor(beaconTimeS / 2 ** (8 * i));
  block.set(devAddrToLsb(devAddr), 4);
  const random = aesEncryptBlock(ZERO_KEY, block);
  return (random[0]! | (random[1]! << 8)) % pingPeriod;
}

/**
 * First ping slot strictly after a time, in milliseconds of GPS time.
 *
 * @param k the device listens 2^k times per beacon period, 0 to 7
 */
export function nextPingSlotMs(afterMs: number, devAddr: DevAddr, k: number): number {
  const pingPeriod = SLOTS_PER_PERIOD / 2 ** k;
  let beaconMs = Math.floor(afterMs / BEACON_PERIOD_MS) * BEACON_PERIOD_MS;
  for (;;) {
    const offset = pingOffset(beaconMs / 1000, devAddr, pingPeriod);
    for (let slot = offset; slot < SLOTS_PER_PERIOD; slot += pingPeriod) {
      const slotMs = beaconMs + FIRST_SLOT_MS + slot * SLOT_MS;
      if (slotMs > afterMs) return slotMs;
    }
    beaconMs += BEACON_PERIOD_MS;
  }
}
