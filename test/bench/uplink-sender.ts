/**
 * A process that plays packet forwarders in reach of the same devices. Told what to send by one message, it makes all
 * frames first, then sends them evenly and answers when each was sent and what came back.
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
  readonly gateways: number;
  /** How many of the gateways hear each uplink; they take turns. */
  readonly heardBy: number;
  /** Every so many uplinks one is confirmed, so that a downlink answers it. */
  readonly confirmedEvery?: number;
  /** How long to go on listening for downlinks after the last uplink. */
  readonly listenMs?: number;
}

/** A downlink for RX1 or RX2 of the uplink of that number. */
export interface ReceivedDownlink {
  readonly uplink: number;
  readonly window: 1 | 2;
  readonly atMs: number;
}

/** What the sender answers. Times are those of `epochMs`. */
export interface SendReport {
  readonly datagrams: number;
  readonly acknowledged: number;
  readonly seconds: number;
  /** One per uplink. */
  readonly sentAtMs: readonly number[];
  readonly downlinks: readonly ReceivedDownlink[];
}

const FREQUENCIES_MHZ = [868.1, 868.3, 868.5, 867.1, 867.3, 867.5, 867.7, 867.9];
const TICK_MS = 2;
const PUSH_DATA = 0;
const PUSH_ACK = 1;
const PULL_DATA = 2;
const PULL_RESP = 3;
const MIN_PAYLOAD_BYTES = 12;
const PAYLOAD_SIZES = 40;
/** Between the timestamps of two uplinks, so that a downlink's timestamp tells which one it answers. */
const TIMESTAMP_STEP_US = 200;
const RX1_DELAY_US = 5_000_000;
const RX2_DELAY_US = 6_000_000;
const RX2_MHZ = 869.525;

/** Milliseconds since 1970 with fractions, the same in all processes of a machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function frames({ devices, firstFCnt, count, confirmedEvery }: SendRequest): Buffer[] {
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
    const confirmed = confirmedEvery !== undefined && index % confirmedEvery === 0;
    const phyPayload = sealUplink(
      { confirmed, devAddr: session.devAddr, fPort: 1, frmPayload: payload },
      {
        keys: session.keys,
        fullFCnt: firstFCnt + Math.floor(index / sessions.length),
        lorawan11: false,
      },
    );
    return Buffer.from(phyPayload);
  });
}

function datagram(type: number, gateway: number, body = ''): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(2, 0);
  head.writeUInt16BE(0x1234, 1);
  head.writeUInt8(type, 3);
  head.writeBigUInt64BE(0xaa555a0000000b00n + BigInt(gateway), 4);
  return Buffer.concat([head, Buffer.from(body)]);
}

function pushData(gateway: number, phyPayload: Buffer, index: number): Buffer {
  const channel = index % FREQUENCIES_MHZ.length;
  const rxpk = {
    tmst: (index * TIMESTAMP_STEP_US) >>> 0,
    freq: FREQUENCIES_MHZ[channel],
    chan: channel,
    rfch: 0,
    stat: 1,
    modu: 'LORA',
    datr: 'SF7BW125',
    codr: '4/5',
    rssi: -60 - (gateway % 2),
    lsnr: 9.5,
    size: phyPayload.length,
    data: phyPayload.toString('base64'),
  };
  return datagram(PUSH_DATA, gateway, JSON.stringify({ rxpk: [rxpk] }));
}

function receivedDownlink(bytes: Buffer, atMs: number): ReceivedDownlink {
  const { txpk } = JSON.parse(bytes.subarray(4).toString()) as {
    txpk: { tmst: number; freq: number };
  };
  const window = txpk.freq === RX2_MHZ ? 2 : 1;
  const uplinkUs = txpk.tmst - (window === 1 ? RX1_DELAY_US : RX2_DELAY_US);
  return { uplink: (uplinkUs >>> 0) / TIMESTAMP_STEP_US, window, atMs };
}

/** The forwarders' sockets and what came in on them. */
class Forwarders {
  readonly sockets: readonly Socket[];
  readonly downlinks: ReceivedDownlink[] = [];
  acknowledged = 0;
  readonly #port: number;

  constructor(count: number, port: number) {
    this.#port = port;
    this.sockets = Array.from({ length: count }, () => createSocket('udp4'));
  }

  async open(): Promise<void> {
    for (const [gateway, socket] of this.sockets.entries()) {
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
      socket.on('message', (bytes) => this.#receive(bytes));
      this.send(gateway, datagram(PULL_DATA, gateway));
    }
  }

  send(gateway: number, bytes: Buffer): void {
    this.sockets[gateway]?.send(bytes, this.#port, '127.0.0.1');
  }

  /** Downlinks are not acknowledged, so that the program goes on with the way to a gateway that it assumes. */
  #receive(bytes: Buffer): void {
    if (bytes[3] === PUSH_ACK) this.acknowledged += 1;
    if (bytes[3] === PULL_RESP) this.downlinks.push(receivedDownlink(bytes, epochMs()));
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }
}

/** Sends at an even rate: as many as are due at each tick. */
async function send(request: SendRequest): Promise<SendReport> {
  const { port, perSecond, gateways, heardBy, listenMs = 0 } = request;
  const made = frames(request).map((frame, index) =>
    Array.from({ length: heardBy }, (_, at) => {
      const gateway = (index * heardBy + at) % gateways;
      return { gateway, bytes: pushData(gateway, frame, index) };
    }),
  );
  const datagrams = made.length * heardBy;
  const forwarders = new Forwarders(gateways, port);
  await forwarders.open();
  const startMs = performance.now();
  const sentAtMs: number[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(
        made.length,
        Math.ceil(((performance.now() - startMs) / 1_000) * perSecond),
      );
      while (sentAtMs.length < due) {
        for (const { gateway, bytes } of made[sentAtMs.length] ?? [])
          forwarders.send(gateway, bytes);
        sentAtMs.push(epochMs());
      }
      if (sentAtMs.length < made.length) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const quietUntilMs = performance.now() + Math.max(500, listenMs);
  while (
    performance.now() < quietUntilMs &&
    (listenMs > 0 || forwarders.acknowledged < datagrams)
  ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  forwarders.close();
  const { acknowledged, downlinks } = forwarders;
  return { datagrams, acknowledged, seconds, sentAtMs, downlinks };
}

process.on('message', async (request: SendRequest) => {
  process.send?.(await send(request));
});
