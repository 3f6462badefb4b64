import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import { type JoinRequestFrame, reverseEui64 } from '../lorawan/index.ts';
import type { RejectedJoin } from '../seams/joining.ts';
import type { JoinRegistry, KnownDevice } from './join-server.ts';

/** A refused join. */
export function rejected(cause: CauseCode, evidence: readonly EvidenceData[]): RejectedJoin {
  return { accepted: false, cause, evidence };
}

/** What a join-request says. */
export function requestEvidence({ joinEui, devEui, devNonce }: JoinRequestFrame): EvidenceData[] {
  return [fact('join_eui', joinEui), fact('dev_eui', devEui), fact('dev_nonce', devNonce)];
}

/** What a registration that almost fits says. */
function registrationEvidence(device: KnownDevice): EvidenceData[] {
  const { applicationId, deviceId, joinEui, devEui } = device;
  return [
    fact('registered_application_id', applicationId),
    fact('registered_device_id', deviceId),
    ...(joinEui ? [fact('registered_join_eui', joinEui)] : []),
    ...(devEui ? [fact('registered_dev_eui', devEui)] : []),
  ];
}

/**
 * The registration an unknown device probably means: that of its DevEUI, or of its DevEUI with the bytes the other way
 * round, as firmware that takes EUIs least significant byte first sends it.
 */
function nearestDevice(
  registry: JoinRegistry,
  { joinEui, devEui }: JoinRequestFrame,
): { readonly cause: CauseCode; readonly device: KnownDevice } | undefined {
  const reversedJoinEui = reverseEui64(joinEui);
  const reversedDevEui = reverseEui64(devEui);
  const sameDevEui = registry.joinDevicesByDevEui(devEui);
  const same = sameDevEui.find((device) => device.joinEui === joinEui);
  if (same) return { cause: 'device_not_found', device: same };
  const reversedJoin = sameDevEui.find((device) => device.joinEui === reversedJoinEui);
  if (reversedJoin) return { cause: 'join_eui_byte_order', device: reversedJoin };
  const [other] = sameDevEui;
  if (other) return { cause: 'unknown_join_eui', device: other };
  if (reversedDevEui === devEui) return undefined;
  const reversed = registry.joinDevicesByDevEui(reversedDevEui);
  const device =
    reversed.find((one) => one.joinEui === joinEui || one.joinEui === reversedJoinEui) ??
    reversed[0];
  return device && { cause: 'dev_eui_byte_order', device };
}

/** Why nobody knows the device of a join-request, and whom it probably meant. */
export function explainUnknown(
  registry: JoinRegistry,
  frame: JoinRequestFrame,
): RejectedJoin & { readonly nearest?: KnownDevice } {
  const evidence = requestEvidence(frame);
  const found = nearestDevice(registry, frame);
  if (!found) return rejected('device_not_found', evidence);
  const { cause, device } = found;
  evidence.push(...registrationEvidence(device));
  // No EUI is wrong: the registration is incomplete.
  if (cause === 'device_not_found') evidence.push(fact('not_registered_with', 'network server'));
  return { ...rejected(cause, evidence), nearest: device };
}
