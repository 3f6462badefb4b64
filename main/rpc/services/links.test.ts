import { createRegistry } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { silentLogger } from '../../base/logger.ts';
import { virtualClock } from '../../base/virtual-clock.ts';
import { createAtModemLink } from '../../concentrator/at-modem/at-modem-link.ts';
import {
  listSerialPorts,
  type RawPortInfo,
} from '../../concentrator/discovery/list-serial-ports.ts';
import { createGatewayServer } from '../../gateway-server/index.ts';
import { createHandler } from '../fetch-handler.ts';
import { createRouter } from '../router.ts';
import { createStaticFiles } from '../static-files.ts';
import { type LinkPort, linkService } from './links.ts';

const clock = virtualClock();
const logger = silentLogger();

async function get(
  path: string,
  list: () => Promise<readonly RawPortInfo[]>,
  links: Pick<LinkPort, 'list'> = { list: () => [] },
): Promise<Record<string, unknown>> {
  const unused = (): never => {
    throw new Error('not called here');
  };
  const service = linkService({
    links: { create: unused, update: unused, delete: unused, ...links },
    listPorts: () => listSerialPorts(list),
  });
  const handle = createHandler({
    router: createRouter({ clock, logger, services: [service] }),
    registry: createRegistry(),
    logger,
    files: createStaticFiles('.'),
  });
  const request = new Request(`http://localhost/api/v3/gatehouse/${path}`);
  return (await (await handle(request, { kind: 'desktop' })).json()) as Record<string, unknown>;
}

test('serial ports come with what their USB ids suggest, and how little that proves', async () => {
  const { ports } = await get('serial-ports', async () => [
    { path: '/dev/ttyS0' },
    { path: '/dev/ttyUSB0', vendorId: '10c4', productId: 'ea60', serialNumber: '0001' },
    { path: '/dev/ttyUSB1', vendorId: '1209', productId: '0001' },
    { path: '/dev/ttyACM0', vendorId: '303a', productId: '1001' },
  ]);
  expect(ports).toEqual([
    {
      path: '/dev/ttyACM0',
      vendor_id: '303A',
      product_id: '1001',
      suggestion: expect.stringMatching(
        /^ESP32.*\(Espressif USB-JTAG\)\. This board is no modem\./,
      ),
      ambiguous: true,
    },
    {
      path: '/dev/ttyUSB0',
      vendor_id: '10C4',
      product_id: 'EA60',
      serial_number: '0001',
      suggestion: expect.stringMatching(/^LoRa-E5 mini, .*\(CP210x\)$/),
      ambiguous: true,
    },
    { path: '/dev/ttyUSB1', vendor_id: '1209', product_id: '0001' },
    { path: '/dev/ttyS0' },
  ]);
});

test('a list that cannot be made is an answer with its cause, not an error and not an empty list', async () => {
  const answer = await get('serial-ports', async () => {
    throw Object.assign(new Error('spawn udevadm ENOENT'), { code: 'ENOENT' });
  });
  expect(answer).toEqual({
    failure_code: 'gatehouse/link:list_failed',
    failure_text: expect.stringContaining('udevadm is missing'),
  });
});

test('a port that may not be opened says so, with the way out', async () => {
  const gatewayServer = createGatewayServer({
    store: { frames: { addReception: () => 1, addFrame: () => 1 } },
    registry: { gateways: { ensureHeard: (eui) => `eui-${eui.toLowerCase()}` } },
    events: { publish: () => undefined },
    clock,
    logger,
    handler: { handleUplink: () => undefined },
  });
  const modem = createAtModemLink({
    id: 'modem',
    path: '/dev/ttyUSB0',
    baudRate: 9_600,
    gatewayEui: '0000000000000E55',
    channel: {
      frequencyHz: 868_100_000,
      modulation: { spreadingFactor: 9, bandwidthHz: 125_000 },
    },
    transmitOffsetMs: 0,
    clock,
    logger,
    openPort: () => Promise.reject(new Error('Permission denied, cannot open /dev/ttyUSB0')),
  });
  await gatewayServer.add(modem, { frequencyPlanId: 'EU_863_870' });
  const status = gatewayServer.statusOf('modem');
  const { links } = await get('links', async () => [], { list: () => (status ? [status] : []) });
  expect(links).toEqual([
    {
      phase: 'LINK_PHASE_FAILED',
      cause_code: 'gatehouse/link:no_permission',
      cause_text: expect.stringContaining('/dev/ttyUSB0'),
      address: '/dev/ttyUSB0',
      single_channel: true,
    },
  ]);
  await gatewayServer.stop();
});
