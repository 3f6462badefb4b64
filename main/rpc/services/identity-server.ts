import type { Registry } from '../../registry/index.ts';
import type { Served } from '../router.ts';
import { activationSettingsService } from './activation-settings.ts';
import { accessServices } from './api-keys.ts';
import { applicationAndGatewayServices } from './applications-and-gateways.ts';
import { configurationServices } from './configuration.ts';
import { entityAccessService } from './entity-access.ts';
import { entitySearchService } from './entity-search.ts';
import { userService } from './users.ts';

/** Everything about who may do what with which application or gateway. @param createdAtMs when the workspace was made */
export function identityServerServices(registry: Registry, createdAtMs: number): Served[] {
  return [
    ...applicationAndGatewayServices(registry),
    ...accessServices(registry),
    ...configurationServices(),
    entityAccessService(),
    userService(createdAtMs),
    entitySearchService(registry, createdAtMs),
    activationSettingsService(registry.activationSettings),
  ];
}
