import { FINGERPRINTS, type Fingerprint } from './fingerprints.ts';
import type { SerialPortInfo } from './list-serial-ports.ts';

/** A port that may lead to a concentrator. Only a probe the user asked for can prove it. */
export interface ConcentratorCandidate {
  readonly port: SerialPortInfo;
  readonly fingerprint: Fingerprint;
}

/** What is known of a port's USB ids (upper-case hex); of the product if it is listed, else of its vendor. */
export function fingerprintOf(port: {
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}): Fingerprint | undefined {
  if (port.vendorId === undefined) return undefined;
  const exact = `${port.vendorId}:${port.productId}`;
  return (
    FINGERPRINTS.find((entry) => entry.usbId === exact) ??
    FINGERPRINTS.find((entry) => entry.usbId === `${port.vendorId}:*`)
  );
}

/** Ports whose USB id is known, most likely first. */
export function knownConcentrators(
  ports: readonly SerialPortInfo[],
): readonly ConcentratorCandidate[] {
  const candidates: ConcentratorCandidate[] = [];
  for (const port of ports) {
    const fingerprint = fingerprintOf(port);
    if (fingerprint) candidates.push({ port, fingerprint });
  }
  return candidates.sort((a, b) => b.fingerprint.score - a.fingerprint.score);
}

/** The boards behind a USB id in words, with what there is to know about them. */
export function describeFingerprint({ boards, chip, note }: Fingerprint): string {
  const what = `${boards.join(', ')} (${chip})`;
  return note === undefined ? what : `${what}. ${note}`;
}
