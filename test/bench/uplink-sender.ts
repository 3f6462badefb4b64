/**
 * A process that plays two packet forwarders in reach of the same devices: each uplink is one PUSH_DATA of either or of one. Told
 * what to send by one message, it makes all frames first, then sends them evenly and answers how many acknowledgments came.
 */
import { createSocket, type Socket } from 'node:dgram';
import { type DevAddr, expandKey, parseHex, sealUplink } from '../../main/lorawan/index.ts';
import type { BenchDevice } from './bench-devices.ts';

/** What the sender is asked for. Counters continue from `firstFCnt`; the devices take turns. */
export interface SendRequest {
  readonly port: number;
  readonly devices: readonly BenchDevice[];
  readonly firstFCnt: number;
  readonly count: number;
  readonly perSecond: number;
  /** Whether both gateways hear each uplink; else they hear one each in turns. */
  readonly heardByBoth: boolean;
}

/** What the sender answers. */
export interface SendReport {
  readonly datagrams: number;
  readonly acknowledged: number;
  readonly seconds: number;
}

const GATEWAYS = ['AA555A0000000B01', 'AA555A0000000B02'];
const FREQUENCIES_MHZ = [868.1, 868.3, 868.5, 867.1, 867.3, 867.5, 867.7, 867.9];
const TICK_MS = 2;
const PUSH_DATA = 0;
const PUSH_ACK = 1;
const PULL_DATA = 2;
const MIN_PAYLOAD_BYTES = 12;
const PAYLOAD_SIZES = 40;

function frames({ devices, firstFCnt, count }: SendRequest): Buffer[] {
  const sessions = devices.map(({ devAddr, nwkSKey, appSKey }) => {
    const networkKey = expandKey(parseHex(nwkSKey) as Uint8Array);
    return {
      devAddr: devAddr as DevAddr,
      keys: {
        fNwkSIntKey: networkKey,
        sNwkSIntKey: networkKey,
        nwkSEncKey: networkKey,
        appSKey: expandKey(parseHex(appSKey) as Uint8Array),
      },
    };
  });
  return Array.from({ length: count }, (_, index) => {
    const session = sessions[index % sessions.length] as (typeof sessions)[number];
    const payload = new Uint8Array(MIN_PAYLOAD_BYTES + (index % PAYLOAD_SIZES)).fill(index);
    const phyPayload = sealUplink(
      { confirmed: false, devAddr: session.devAddr, fPort: 1, frmPayload: payload },
      {
        keys: session.keys,
        fullFCnt: firstFCnt + Math.floor(index / sessions.length),
        lorawan11: false,
      },
    );
    return Buffer.from(phyPayload);
  });
}

function pushData(gateway: number, phyPayload: Buffer, index: number): Buffer {
  const channel = index % FREQUENCIES_MHZ.length;
  const rxpk = {
    tmst: (index * 200) >>> 0,
    freq: FREQUENCIES_MHZ[channel],
    chan: channel,
    rfch: 0,
    stat: 1,
    modu: 'LORA',
    datr: 'SF7BW125',
    codr: '4/5',
    rssi: -60 - gateway,
    lsnr: 9.5,
    size: phyPayload.length,
    data: phyPayload.toString('base64'),
  };
  return datagram(PUSH_DATA, gateway, JSON.stringify({ rxpk: [rxpk] }));
}

function datagram(type: number, gateway: number, body = ''): Buffer {
  const head = Buffer.from([2, 0x12, 0x34, type]);
  return Buffer.concat([head, Buffer.from(GATEWAYS[gateway] as string, 'hex'), Buffer.from(body)]);
}

async function open(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

/** Sends at an even rate: as many as are due at each tick. */
async function send(request: SendRequest): Promise<SendReport> {
  const { port, perSecond, heardByBoth } = request;
  const made = frames(request).map((frame, index) =>
    GATEWAYS.map((_, gateway) =>
      heardByBoth || index % GATEWAYS.length === gateway
        ? pushData(gateway, frame, index)
        : undefined,
    ),
  );
  const datagrams = made.flat().filter((bytes) => bytes !== undefined).length;
  const sockets = await Promise.all(GATEWAYS.map(open));
  let acknowledged = 0;
  for (const [gateway, socket] of sockets.entries()) {
    socket.on('message', (bytes) => {
      if (bytes[3] === PUSH_ACK) acknowledged += 1;
    });
    socket.send(datagram(PULL_DATA, gateway), port, '127.0.0.1');
  }
  const startMs = performance.now();
  let next = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(
        made.length,
        Math.ceil(((performance.now() - startMs) / 1_000) * perSecond),
      );
      for (; next < due; next += 1) {
        for (const [gateway, socket] of sockets.entries()) {
          const bytes = made[next]?.[gateway];
          if (bytes) socket.send(bytes, port, '127.0.0.1');
        }
      }
      if (next < made.length) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const quietUntilMs = performance.now() + 500;
  while (performance.now() < quietUntilMs && acknowledged < datagrams) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const socket of sockets) socket.close();
  return { datagrams, acknowledged, seconds };
}

process.on('message', async (request: SendRequest) => {
  process.send?.(await send(request));
});
