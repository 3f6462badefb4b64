/** A whole network for tests with the real application server; see the network server's lab for the rest. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';
import { createDownlinkQueue } from '../../network-server/index.ts';
import { createLab, type HandGateway, type Lab } from '../../network-server/testing/lab.ts';
import { type ApplicationServer, createApplicationServer } from '../application-server.ts';
import { type CatalogueScripts, createFormatters } from '../formatters/formatters.ts';
import { realFormatterService } from '../formatters/testing.ts';

/** Waits for what the codec worker has to do first: it runs in real time, and a busy computer starts it late. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: 15_000 });

export interface ApplicationLab {
  readonly lab: Lab;
  readonly server: ApplicationServer;
  close(): Promise<void>;
}

const noCatalogue: CatalogueScripts = () => Promise.reject(new Error('no catalogue here'));

/** Opens a lab whose device is `shop/door-7`; close it afterwards. */
export async function createApplicationLab(
  gateways: readonly HandGateway[],
  catalogueScript: CatalogueScripts = noCatalogue,
): Promise<ApplicationLab> {
  const service = realFormatterService();
  let server: ApplicationServer | undefined;
  const lab = await createLab({
    gateways,
    application({ store, registry, events, clock, logger, onQueued }) {
      server = createApplicationServer({
        store,
        findDevice: registry.applicationDeviceByIds,
        findIdentity: registry.identityDeviceByIds,
        recordLocation: registry.identity.recordLocation,
        findAppSKey(joinEui, devEui, sessionKeyId) {
          const device = registry.joinDeviceByEuis(joinEui, devEui);
          return device && store.sessionKeys.get(device.row, sessionKeyId)?.appSKey;
        },
        linkOf: registry.applicationLinks.of,
        onRegistryChange: registry.onChange,
        formatters: createFormatters(service, catalogueScript),
        networkQueue: createDownlinkQueue(store, registry, clock, onQueued),
        events,
        clock,
        logger,
      });
      return server;
    },
  });
  if (!server) throw new Error('the lab made no application server');
  return {
    lab,
    server,
    async close() {
      await service.close();
      // Uplinks that waited for a formatter go on now; what they store comes before the end.
      await lab.store.unit(() => undefined);
      await nextTurn();
      await lab.close();
    },
  };
}
