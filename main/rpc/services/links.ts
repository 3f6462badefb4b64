import { networkInterfaces } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  type Link,
  LinkSchema,
  type LinkStatus,
  Links,
  ListLinksResponseSchema,
  ListNetworkAddressesResponseSchema,
  ListSerialPortsResponseSchema,
} from '../../api/gen/gatehouse/v1/links_pb.js';
import { errorText, GatehouseError } from '../../base/errors.ts';
import {
  describeFingerprint,
  fingerprintOf,
} from '../../concentrator/discovery/known-concentrators.ts';
import { type Served, serve } from '../router.ts';

/** What the service needs of the links. */
export interface LinkPort {
  list(): LinkStatus[];
  create(link: Link): Promise<LinkStatus>;
  update(link: Link): Promise<LinkStatus>;
  delete(id: string): Promise<void>;
}

/** A serial port as found on this computer. */
export interface FoundPort {
  readonly path: string;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}

export interface LinkServiceOptions {
  readonly links: LinkPort;
  readonly listPorts: () => Promise<
    | { readonly kind: 'listed'; readonly ports: readonly FoundPort[] }
    | { readonly kind: 'failed'; readonly error: Error }
  >;
}

function networkAddresses(): { interface: string; address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => ({ interface: name, address })),
  );
}

/** Links, and what is needed to add one. */
export function linkService({ links, listPorts }: LinkServiceOptions): Served {
  return serve(Links, {
    list: () => create(ListLinksResponseSchema, { links: links.list() }),
    create: ({ link }) => links.create(link ?? create(LinkSchema)),
    update: ({ link }) => links.update(link ?? create(LinkSchema)),
    async delete({ id }) {
      await links.delete(id);
      return create(EmptySchema);
    },
    async listSerialPorts() {
      const found = await listPorts();
      if (found.kind === 'failed') {
        return create(ListSerialPortsResponseSchema, {
          failureCode: found.error instanceof GatehouseError ? found.error.code : '',
          failureText: errorText(found.error),
        });
      }
      return create(ListSerialPortsResponseSchema, {
        ports: found.ports.map((port) => {
          const fingerprint = fingerprintOf(port);
          return {
            path: port.path,
            manufacturer: port.manufacturer ?? '',
            serialNumber: port.serialNumber ?? '',
            vendorId: port.vendorId ?? '',
            productId: port.productId ?? '',
            suggestion: fingerprint ? describeFingerprint(fingerprint) : '',
            ambiguous: fingerprint?.conflictProne ?? false,
          };
        }),
      });
    },
    listNetworkAddresses: () =>
      create(ListNetworkAddressesResponseSchema, { addresses: networkAddresses() }),
  });
}
