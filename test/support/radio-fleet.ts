/** Devices and a packet forwarder for tests of the whole program: every frame is made and read by lora-packet. */
import { createSocket, type Socket } from 'node:dgram';
import loraPacket from 'lora-packet';

export interface SessionKeys {
  /** 8 hex digits, upper case. */
  readonly devAddr: string;
  readonly nwkSKey: Buffer;
  readonly appSKey: Buffer;
}

/** A data downlink as its device reads it. */
export interface HeardDownlink {
  readonly devAddr: string;
  readonly fCnt: number;
  readonly micValid: boolean;
  /** Decrypted; empty without FRMPayload or with FPort 0. */
  readonly payload: string;
}

/** A data uplink; the payload carries the counter, so that what an application got can be told apart. */
export function dataUplink(keys: SessionKeys, fCnt: number, confirmed: boolean): Buffer {
  const packet = loraPacket.fromFields(
    {
      MType: confirmed ? 'Confirmed Data Up' : 'Unconfirmed Data Up',
      DevAddr: Buffer.from(keys.devAddr, 'hex'),
      FCnt: fCnt,
      FPort: 1,
      payload: `up ${fCnt}`,
    },
    keys.appSKey,
    keys.nwkSKey,
  );
  return packet.getPHYPayload() as Buffer;
}

export function joinRequest(
  ids: { readonly joinEui: string; readonly devEui: string },
  appKey: Buffer,
  devNonce: number,
): Buffer {
  const packet = loraPacket.fromFields(
    {
      MType: 'Join Request',
      AppEUI: Buffer.from(ids.joinEui, 'hex'),
      DevEUI: Buffer.from(ids.devEui, 'hex'),
      DevNonce: Buffer.of(devNonce >> 8, devNonce & 0xff),
    },
    undefined,
    undefined,
    appKey,
  );
  return packet.getPHYPayload() as Buffer;
}

/** The session a 1.0.x device takes from a join-accept; undefined if the frame is not for it. */
export function openJoinAccept(
  phyPayload: Buffer,
  appKey: Buffer,
  devNonce: number,
): SessionKeys | undefined {
  const plain = loraPacket.decryptJoinAccept(loraPacket.fromWire(phyPayload), appKey);
  const accept = loraPacket.fromWire(Buffer.concat([Buffer.of(0x20), plain.subarray(1)]));
  const { AppNonce, NetID, DevAddr } = accept;
  if (!AppNonce || !NetID || !DevAddr || !loraPacket.verifyMIC(accept, undefined, appKey))
    return undefined;
  const nonce = Buffer.of(devNonce >> 8, devNonce & 0xff);
  const keys = loraPacket.generateSessionKeys10(appKey, NetID, AppNonce, nonce);
  return {
    devAddr: DevAddr.toString('hex').toUpperCase(),
    nwkSKey: keys.NwkSKey,
    appSKey: keys.AppSKey,
  };
}

function readDownlink(
  packet: ReturnType<typeof loraPacket.fromWire>,
  keys: SessionKeys,
): HeardDownlink {
  const hasPayload = (packet.FRMPayload?.length ?? 0) > 0 && packet.getFPort() !== 0;
  return {
    devAddr: keys.devAddr,
    fCnt: packet.getFCnt() ?? -1,
    micValid: loraPacket.verifyMIC(packet, keys.nwkSKey),
    payload: hasPayload ? loraPacket.decrypt(packet, keys.appSKey, keys.nwkSKey).toString() : '',
  };
}

const PULL_RESP = 3;
const PULL_ACK = 4;

/** A packet forwarder whose server may die and come back elsewhere. */
export interface Forwarder {
  /** Address of the server from now on; asks it for downlinks. */
  connect(address: string): void;
  /** Sends one uplink on 868.1 MHz at SF7. */
  push(phyPayload: Buffer): void;
  /** PHYPayloads of every PULL_RESP so far, oldest first. */
  readonly transmitted: readonly Buffer[];
  /** Values of the concentrator's counter at which they were to be transmitted. */
  readonly timestamps: readonly number[];
  /** Resolves as soon as the next PULL_RESP arrives. */
  nextTransmission(): Promise<void>;
  /** Asks the server for downlinks; what it sent before has arrived when this resolves. */
  sync(): Promise<void>;
  close(): void;
}

/** Connects no one yet. `nowMs` is the time the concentrator counts. */
export async function createForwarder(
  gatewayEui: string,
  nowMs: () => number = () => performance.now(),
): Promise<Forwarder> {
  const socket: Socket = createSocket('udp4');
  const transmitted: Buffer[] = [];
  const timestamps: number[] = [];
  let host = '';
  let port = 0;
  const waiting: (() => void)[] = [];
  const synchronizing: (() => void)[] = [];
  const send = (type: number, body: string, token = 1): void => {
    const head = Buffer.of(2, token >> 8, token & 0xff, type);
    const bytes = Buffer.concat([head, Buffer.from(gatewayEui, 'hex'), Buffer.from(body)]);
    socket.send(bytes, port, host);
  };
  socket.on('message', (bytes) => {
    if (bytes[3] === PULL_ACK) for (const resolve of synchronizing.splice(0)) resolve();
    if (bytes[3] !== PULL_RESP) return;
    const { txpk } = JSON.parse(bytes.subarray(4).toString()) as {
      txpk: { data: string; tmst: number };
    };
    timestamps.push(txpk.tmst);
    transmitted.push(Buffer.from(txpk.data, 'base64'));
    send(5, '', bytes.readUInt16BE(1));
    for (const resolve of waiting.splice(0)) resolve();
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    transmitted,
    timestamps,
    connect(address) {
      [host = '', port = 0] = address
        .split(':')
        .map((part, at) => (at === 1 ? Number(part) : part)) as [string, number];
      send(2, '');
    },
    push(phyPayload) {
      const tmst = Math.round(nowMs() * 1000) % 2 ** 32;
      const data = phyPayload.toString('base64');
      const radio = { freq: 868.1, chan: 0, rfch: 1, stat: 1, modu: 'LORA', datr: 'SF7BW125' };
      const rxpk = {
        tmst,
        ...radio,
        codr: '4/5',
        rssi: -57,
        lsnr: 9,
        size: phyPayload.length,
        data,
      };
      send(0, JSON.stringify({ rxpk: [rxpk] }));
    },
    sync() {
      const done = new Promise<void>((resolve) => synchronizing.push(resolve));
      send(2, '');
      return done;
    },
    nextTransmission: () => new Promise((resolve) => waiting.push(resolve)),
    close: () => socket.close(),
  };
}

/** Data downlinks among what a forwarder transmitted, read with the keys of their sessions. */
export function downlinksOf(
  transmitted: readonly Buffer[],
  sessions: readonly SessionKeys[],
): HeardDownlink[] {
  return transmitted.flatMap((bytes) => {
    const packet = loraPacket.fromWire(bytes);
    if (!packet.isDataMessage()) return [];
    const devAddr = packet.DevAddr?.toString('hex').toUpperCase();
    const keys = sessions.find((session) => session.devAddr === devAddr);
    return keys ? [readDownlink(packet, keys)] : [];
  });
}
