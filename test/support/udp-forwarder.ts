import { createSocket, type Socket } from 'node:dgram';

/** A datagram the server sent to a forwarder. */
export interface ServerDatagram {
  readonly version: number;
  readonly token: number;
  readonly type: number;
  /** JSON of a PULL_RESP. */
  readonly body: Record<string, Record<string, unknown>> | undefined;
}

/** A packet forwarder with its two sockets, one for what it hears and one for what it transmits. */
export interface UdpForwarder {
  readonly upPort: number;
  readonly downPort: number;
  /** Sends a PUSH_DATA and resolves with the answer. */
  push(body: unknown, token?: number): Promise<ServerDatagram>;
  /** Sends a PULL_DATA and resolves with the answer. */
  pull(token?: number): Promise<ServerDatagram>;
  /** Sends a PUSH_DATA without waiting for anything. */
  pushOnly(body: unknown): void;
  /** Resolves with the next PULL_RESP whose `txpk` is wanted. */
  nextDownlink(
    wanted?: (txpk: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<ServerDatagram>;
  /** Acknowledges a downlink; without a body as forwarders do on success. */
  acknowledge(token: number, body?: unknown): void;
  /** Sends bytes as they are from the up socket. */
  sendRaw(bytes: Uint8Array): void;
  close(): Promise<void>;
}

export interface UdpForwarderOptions {
  /** 16 hex digits. */
  readonly gatewayEui: string;
  readonly serverPort: number;
  readonly version?: 1 | 2;
  /** Loopback address to send from. */
  readonly from?: string;
}

const PULL_RESP = 3;

function parse(bytes: Buffer): ServerDatagram {
  const text = bytes.subarray(4).toString('utf8');
  return {
    version: bytes.readUInt8(0),
    token: bytes.readUInt16BE(1),
    type: bytes.readUInt8(3),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function bind(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => resolve(socket));
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** Resolves with the first datagram that `wanted` accepts. */
function nextFrom(socket: Socket, wanted: (datagram: ServerDatagram) => boolean) {
  return new Promise<ServerDatagram>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The server did not answer.')), 8_000);
    const look = (bytes: Buffer): void => {
      const datagram = parse(bytes);
      if (!wanted(datagram)) return;
      clearTimeout(timer);
      socket.off('message', look);
      resolve(datagram);
    };
    socket.on('message', look);
  });
}

export async function createUdpForwarder(options: UdpForwarderOptions): Promise<UdpForwarder> {
  const { gatewayEui, serverPort, version = 2, from = '127.0.0.1' } = options;
  const [up, down] = await Promise.all([bind(from), bind(from)]);
  const datagram = (type: number, token: number, body?: unknown): Buffer =>
    Buffer.concat([
      Buffer.from([version, token >> 8, token & 0xff, type]),
      Buffer.from(gatewayEui, 'hex'),
      Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    ]);
  return {
    upPort: up.address().port,
    downPort: down.address().port,
    push(body, token = 0x1234) {
      const answer = nextFrom(up, (answered) => answered.token === token);
      up.send(datagram(0, token, body), serverPort, '127.0.0.1');
      return answer;
    },
    pull(token = 0x4321) {
      const isAnswer = (answered: ServerDatagram): boolean =>
        answered.token === token && answered.type !== PULL_RESP;
      const answer = nextFrom(down, isAnswer);
      down.send(datagram(2, token), serverPort, '127.0.0.1');
      return answer;
    },
    pushOnly: (body) => up.send(datagram(0, 1, body), serverPort, '127.0.0.1'),
    nextDownlink: (wanted = () => true) =>
      nextFrom(
        down,
        (answered) => answered.type === PULL_RESP && wanted(answered.body?.txpk ?? {}),
      ),
    acknowledge: (token, body) => down.send(datagram(5, token, body), serverPort, '127.0.0.1'),
    sendRaw: (bytes) => up.send(bytes, serverPort, '127.0.0.1'),
    async close() {
      await Promise.all([closed(up), closed(down)]);
    },
  };
}
