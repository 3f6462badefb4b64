export { readLabel } from './claim-codes.ts';
export type { ClaimStatus, ClaimSubject, ClaimUpstream } from './claim-upstream.ts';
export { type ClaimingStore, createClaimingStore } from './claiming-store.ts';
export {
  claimDeviceNotFound,
  claimingNotSupported,
  noDevicesFound,
  noEui,
  noEuis,
  qrCodeData,
} from './errors.ts';
