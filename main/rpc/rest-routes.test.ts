import { create, createFileRegistry, type DescMethod, setExtension } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_empty,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { Frames } from '../api/gen/gatehouse/v1/frames_pb.js';
import { HttpRuleSchema, http } from '../api/gen/google/api/annotations_pb.js';
import { ApplicationRegistry } from '../api/gen/ttn/lorawan/v3/application_services_pb.js';
import { Configuration } from '../api/gen/ttn/lorawan/v3/configuration_services_pb.js';
import { EndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { GatewayRegistry } from '../api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import { NsEndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { createRestRoutes } from './rest-routes.ts';
import type { GuardedMethod } from './router.ts';

const services = [
  Frames,
  ApplicationRegistry,
  Configuration,
  EndDeviceRegistry,
  GatewayRegistry,
  NsEndDeviceRegistry,
];
const guarded = (descs: readonly DescMethod[]): GuardedMethod[] =>
  descs.map((desc) => ({
    kind: 'unary',
    desc,
    invoke: () => Promise.reject(new Error('not called')),
  }));
const methods = services.flatMap((service) => guarded(service.methods));

function found(table: readonly GuardedMethod[], verb: string, path: string): unknown {
  const match = createRestRoutes(table)(verb, path);
  if (typeof match === 'string') return match;
  const { desc } = match.route.method;
  return [`${desc.parent.name}.${desc.name}`, Object.fromEntries(match.variables)];
}

test.each([
  ['GET', '/applications', ['ApplicationRegistry.List', {}]],
  ['POST', '/applications/shop/devices/filter', ['EndDeviceRegistry.List', 'shop']],
  ['POST', '/gateways/filter', ['GatewayRegistry.List', undefined]],
  ['GET', '/gateways/filter', ['GatewayRegistry.Get', 'filter']],
  ['GET', '/gatehouse/frames/7', ['Frames.Get', '7']],
  ['GET', '/configuration/bands/EU_863_870/PHY_V1_0', ['Configuration.ListBands', 'EU_863_870']],
  ['GET', '/applications/a%20b', ['ApplicationRegistry.Get', 'a b']],
])('%s %s is one method', (verb, path, [name, first]) => {
  const match = found(methods, verb, path) as [string, Record<string, string>];
  expect(match[0]).toBe(name);
  if (typeof first === 'string') expect(Object.values(match[1])[0]).toBe(first);
});

test.each([
  ['PATCH', '/applications/shop', 'other_verb'],
  ['GET', '/nowhere', 'no_route'],
  ['GET', '/applications//devices', 'no_route'],
  ['GET', '/applications/%E0%A4%A/devices', 'no_route'],
])('%s %s is %s', (verb, path, expected) => {
  expect(found(methods, verb, path)).toBe(expected);
});

/** Methods of a made-up service with one GET binding each. */
function madeUp(paths: Readonly<Record<string, string>>): GuardedMethod[] {
  const file = create(FileDescriptorProtoSchema, {
    name: 'made-up.proto',
    package: 'test',
    dependency: ['google/protobuf/empty.proto'],
    service: [
      {
        name: 'Made',
        method: Object.entries(paths).map(([name, get]) => {
          const options = create(MethodOptionsSchema);
          setExtension(
            options,
            http,
            create(HttpRuleSchema, { pattern: { case: 'get', value: get } }),
          );
          const type = '.google.protobuf.Empty';
          return { name, inputType: type, outputType: type, options };
        }),
      },
    ],
  });
  const registry = createFileRegistry(file, (name) =>
    name === 'google/protobuf/empty.proto' ? file_google_protobuf_empty.proto : undefined,
  );
  return guarded(registry.getService('test.Made')?.methods ?? []);
}

test('a literal beats a variable, whichever was declared first', () => {
  const paths = {
    One: '/things/{id}',
    Batch: '/things/batch',
    Part: '/things/{id}/parts/{part}',
    BatchPart: '/things/batch/parts/{part}',
    FirstPart: '/things/{id}/parts/first',
  };
  const table = madeUp(paths);
  expect(table).toHaveLength(5);
  for (const methods of [table, [...table].reverse()]) {
    const at = (path: string): unknown => (found(methods, 'GET', path) as [string])[0];
    expect(at('/things/batch')).toBe('Made.Batch');
    expect(at('/things/seven')).toBe('Made.One');
    expect(at('/things/batch/parts/first')).toBe('Made.BatchPart');
    expect(at('/things/seven/parts/first')).toBe('Made.FirstPart');
    expect(at('/things/seven/parts/two')).toBe('Made.Part');
  }
});
