import type { Clock } from '../../base/clock.ts';
import type { Registry } from '../../registry/index.ts';
import type { Served } from '../router.ts';
import { deviceBatchServices } from './device-batches.ts';
import { deviceFileService } from './device-files.ts';
import { deviceSearchService } from './device-search.ts';
import { deviceTemplateService } from './device-templates.ts';
import { endDeviceServices, type SimulationPort } from './end-devices.ts';
import { qrCodeService } from './qr-codes.ts';

/** Everything that reads and changes end devices: one by one, several at once, from files and as QR codes. */
export function deviceServices(
  registry: Registry,
  simulated: SimulationPort,
  clock: Clock,
): Served[] {
  return [
    ...endDeviceServices(registry, simulated),
    ...deviceBatchServices(registry),
    deviceSearchService(registry),
    deviceTemplateService(clock),
    qrCodeService(),
    deviceFileService(registry, clock),
  ];
}
