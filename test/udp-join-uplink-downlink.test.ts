import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import loraPacket from 'lora-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const APP_KEY = Buffer.from('8AFE71A145B253E49C3031AD068277A1', 'hex');
const GATEWAY = Buffer.from('AA555A0000000101', 'hex');
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-udp-'));
let program: HeadlessProcess;
let socket: Socket;

/** PULL_RESP datagrams, as they come. */
const responses: { token: number; txpk: Record<string, unknown> }[] = [];
let arrived: (() => void) | undefined;

beforeAll(async () => {
  program = await startHeadless(directory);
  socket = createSocket('udp4');
  socket.on('message', (bytes) => {
    if (bytes[3] !== 3) return;
    responses.push({ token: bytes.readUInt16BE(1), ...JSON.parse(bytes.subarray(4).toString()) });
    // TX_ACK without body: taken.
    send(5, Buffer.alloc(0), bytes.readUInt16BE(1));
    arrived?.();
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  socket.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

function send(type: number, body: Buffer, token = 0x1234): void {
  const [host, port] = (program.addresses.udp ?? '').split(':');
  const head = Buffer.from([2, token >> 8, token & 0xff, type]);
  socket.send(Buffer.concat([head, GATEWAY, body]), Number(port), host);
}

function push(phyPayload: Buffer, tmst: number): void {
  const rxpk = {
    tmst,
    freq: 868.1,
    chan: 0,
    rfch: 1,
    stat: 1,
    modu: 'LORA',
    datr: 'SF7BW125',
    codr: '4/5',
    rssi: -57,
    lsnr: 9.5,
    size: phyPayload.length,
    data: phyPayload.toString('base64'),
  };
  send(0, Buffer.from(JSON.stringify({ rxpk: [rxpk] })));
}

async function response(index: number) {
  while (responses.length <= index) {
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
  }
  return responses[index] as (typeof responses)[number];
}

async function call(method: string, path: string, body?: unknown) {
  const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  expect(answer.status, JSON.stringify(json)).toBe(200);
  return json;
}

const ids = {
  device_id: 'door-7',
  application_ids: { application_id: 'shop' },
  dev_eui: '0004A30B001C0530',
  join_eui: '0000000000000001',
};
const device = '/applications/shop/devices';

async function register(): Promise<void> {
  await call('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'shop' } },
  });
  await call('POST', device, { end_device: { ids } });
  await call('PUT', `/js${device}/door-7`, {
    end_device: { ids, root_keys: { app_key: { key: APP_KEY.toString('hex') } } },
    field_mask: { paths: ['root_keys.app_key.key'] },
  });
  const network = ['supports_join', 'frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'];
  await call('PUT', `/ns${device}/door-7`, {
    end_device: {
      ids,
      supports_join: true,
      frequency_plan_id: 'EU_863_870',
      lorawan_version: '1.0.3',
      lorawan_phy_version: '1.0.3-a',
    },
    field_mask: { paths: network },
  });
  await call('PUT', `/as${device}/door-7`, {
    end_device: { ids, formatters: { up_formatter: 'FORMATTER_CAYENNELPP' } },
    field_mask: { paths: ['formatters'] },
  });
}

/** Reads the event stream until an event of this name comes. */
async function nextEvent(reader: ReadableStreamDefaultReader<Uint8Array>, name: string) {
  let text = '';
  for (;;) {
    const { value } = await reader.read();
    text += new TextDecoder().decode(value);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const { result } = JSON.parse(line) as {
        result: { name: string; data: Record<string, never> };
      };
      if (result.name === name) return result;
    }
  }
}

test('an unknown gateway brings a device from join to a downlink in RX1', async () => {
  await register();
  const events = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ identifiers: [{ device_ids: ids }] }),
  });
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  send(2, Buffer.alloc(0));

  const joinRequest = loraPacket.fromFields(
    {
      MType: 'Join Request',
      AppEUI: Buffer.from(ids.join_eui, 'hex'),
      DevEUI: Buffer.from(ids.dev_eui, 'hex'),
      DevNonce: Buffer.from('0001', 'hex'),
    },
    undefined,
    undefined,
    APP_KEY,
  );
  push(joinRequest.getPHYPayload() as Buffer, 1_000_000);
  const { txpk: accept } = await response(0);
  expect(accept).toMatchObject({
    tmst: 6_000_000,
    freq: 868.1,
    datr: 'SF7BW125',
    ipol: true,
    ncrc: true,
  });
  const encrypted = Buffer.from(accept.data as string, 'base64');
  // The network encrypts with the AES decrypt operation, so decrypting is encrypting (TS001-1.0.4 §6.2.3).
  const { createCipheriv } = await import('node:crypto');
  const plain = createCipheriv('aes-128-ecb', APP_KEY, null)
    .setAutoPadding(false)
    .update(encrypted.subarray(1));
  const joinNonce = Buffer.from(plain.subarray(0, 3)).reverse();
  const netId = Buffer.from(plain.subarray(3, 6)).reverse();
  const devAddr = Buffer.from(plain.subarray(6, 10)).reverse();
  expect(plain[11]).toBe(5);
  const derive = (type: number): Buffer =>
    createCipheriv('aes-128-ecb', APP_KEY, null)
      .setAutoPadding(false)
      .update(
        Buffer.concat([
          Buffer.from([type]),
          plain.subarray(0, 6),
          Buffer.from([1, 0]),
          Buffer.alloc(7),
        ]),
      );
  const [nwkSKey, appSKey] = [derive(1), derive(2)];
  expect([joinNonce.toString('hex'), netId.toString('hex')]).toEqual(['000001', '000001']);
  await nextEvent(reader, 'as.up.join.forward');

  await call('POST', `/as${device}/door-7/down/push`, {
    downlinks: [{ f_port: 12, frm_payload: Buffer.from('hello').toString('base64') }],
  });
  const uplink = loraPacket.fromFields(
    {
      MType: 'Unconfirmed Data Up',
      DevAddr: devAddr,
      FCnt: 0,
      FPort: 1,
      // Cayenne LPP: channel 1, temperature, 23.0 °C.
      payload: Buffer.from('016700e6', 'hex'),
    },
    appSKey,
    nwkSKey,
  );
  push(uplink.getPHYPayload() as Buffer, 20_000_000);
  const forwarded = await nextEvent(reader, 'as.up.data.forward');
  expect(forwarded.data).toMatchObject({
    '@type': 'type.googleapis.com/ttn.lorawan.v3.ApplicationUp',
    uplink_message: {
      f_port: 1,
      frm_payload: Buffer.from('016700e6', 'hex').toString('base64'),
      decoded_payload: { temperature_1: 23 },
    },
  });

  const { txpk: downlink } = await response(1);
  expect(downlink).toMatchObject({ tmst: 25_000_000, freq: 868.1, datr: 'SF7BW125' });
  const packet = loraPacket.fromWire(Buffer.from(downlink.data as string, 'base64'));
  expect(loraPacket.verifyMIC(packet, nwkSKey)).toBe(true);
  expect(loraPacket.decrypt(packet, appSKey, nwkSKey).toString()).toBe('hello');

  push(uplink.getPHYPayload() as Buffer, 40_000_000);
  await expect
    .poll(async () => {
      const list = (await call('GET', '/gatehouse/frames?limit=1')) as {
        frames?: { verdict: { cause: string } }[];
      };
      return list.frames?.[0]?.verdict.cause;
    })
    .toBe('f_cnt_too_low');
  await reader.cancel();
});

test('the registries tell what the device and the network last sent', async () => {
  const masks = ['mac_state', 'session.started_at', 'session.last_f_cnt_up'];
  const query = masks.map((path) => `field_mask.paths=${path}`).join('&');
  const { mac_state: state, session } = (await call('GET', `/ns${device}/door-7?${query}`)) as {
    mac_state: Record<string, unknown>;
    session: { started_at: string };
  };
  const gateway_ids = { gateway_id: 'eui-aa555a0000000101', eui: 'AA555A0000000101' };
  expect(state).toMatchObject({
    recent_uplinks: [
      { payload: { join_request_payload: { dev_eui: ids.dev_eui } } },
      {
        payload: { m_hdr: { m_type: 'UNCONFIRMED_UP' }, mac_payload: { f_port: 1 } },
        settings: { data_rate: { lora: { bandwidth: 125_000, spreading_factor: 7 } } },
        rx_metadata: [{ gateway_ids, channel_rssi: -57, snr: 9.5 }],
      },
    ],
    recent_downlinks: [
      { payload: { m_hdr: { m_type: 'JOIN_ACCEPT' } } },
      { payload: { m_hdr: { m_type: 'UNCONFIRMED_DOWN' }, mac_payload: { f_port: 12 } } },
    ],
    last_downlink_at: expect.any(String),
  });
  // The windows of the last uplink were used.
  expect(state).not.toHaveProperty('rx_windows_available');
  const times = 'field_mask.paths=activated_at&field_mask.paths=last_seen_at';
  await expect
    .poll(() => call('GET', `${device}/door-7?${times}`))
    .toMatchObject({ activated_at: session.started_at, last_seen_at: session.started_at });
});

test('the gateway was registered under its EUI, and its frames are explained', async () => {
  const gateway = await call('GET', '/gateways/eui-aa555a0000000101');
  expect(gateway).toMatchObject({ ids: { eui: 'AA555A0000000101' } });
  const { frames } = (await call('GET', '/gatehouse/frames?limit=100')) as {
    frames: { id: string; f_type: string; direction: string }[];
  };
  expect(frames.map((frame) => frame.f_type)).toEqual(
    expect.arrayContaining(['JOIN_REQUEST', 'JOIN_ACCEPT', 'UNCONFIRMED_UP', 'UNCONFIRMED_DOWN']),
  );
  const uplink = frames.findLast((frame) => frame.f_type === 'UNCONFIRMED_UP');
  const { dissection } = (await call('GET', `/gatehouse/frames/${uplink?.id}`)) as {
    dissection: { fields: { name: string }[] };
  };
  expect(dissection.fields.length).toBeGreaterThan(0);
});

test('the listener tells the receive buffer that the system granted', async () => {
  const { links } = (await call('GET', '/gatehouse/links')) as {
    links: { link: { id: string }; receive_buffer_bytes?: number }[];
  };
  const listener = links.find(({ link }) => link.id === 'udp');
  expect(listener?.receive_buffer_bytes).toBeGreaterThanOrEqual(64 * 1024);
});
