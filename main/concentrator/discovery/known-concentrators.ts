import { FINGERPRINTS, type Fingerprint } from './fingerprints.ts';
import type { SerialPortInfo } from './list-serial-ports.ts';

/** A port that may lead to a concentrator. Only a probe the user asked for can prove it. */
export interface ConcentratorCandidate {
  readonly port: SerialPortInfo;
  readonly fingerprint: Fingerprint;
}

function fingerprintOf(port: SerialPortInfo): Fingerprint | undefined {
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
    const fingerprint = port.vendorId === undefined ? undefined : fingerprintOf(port);
    if (fingerprint) candidates.push({ port, fingerprint });
  }
  return candidates.sort((a, b) => b.fingerprint.score - a.fingerprint.score);
}
