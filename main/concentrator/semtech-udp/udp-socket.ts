import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { errorText, type GatehouseError } from '../../base/errors.ts';
import { linkErrors } from '../link-errors.ts';

/** Asked of the system so that a burst of datagrams waits instead of being lost while a turn is busy. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface UdpSocket {
  /** Address and port really bound, e.g. `127.0.0.1:1700`. */
  readonly address: string;
  readonly port: number;
  /** Receive buffer the system granted, in its own counting. */
  readonly receiveBufferBytes: number;
  /** Sends; a failure is told to `onError`, or only logged without one. */
  send(bytes: Uint8Array, port: number, address: string, onError?: (error: Error) => void): void;
  close(): Promise<void>;
}

export interface OpenUdpOptions {
  readonly host: string;
  readonly port: number;
  readonly onDatagram: (bytes: Uint8Array, source: RemoteInfo) => void;
  readonly onError: (error: Error) => void;
}

function bindError(error: NodeJS.ErrnoException, host: string, port: number): GatehouseError {
  const address = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return linkErrors.portBusy({ port: `UDP port ${address}` }, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return linkErrors.noPermission(
        { port: `UDP port ${address}`, remedy: 'Choose a port above 1023.' },
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return linkErrors.addressUnavailable({ address: host }, { cause: error });
    default:
      return linkErrors.openFailed(
        { port: `UDP port ${address}`, reason: errorText(error) },
        { cause: error },
      );
  }
}

function widenReceiveBuffer(socket: Socket): number {
  for (let bytes = RECEIVE_BUFFER_BYTES; bytes >= 256 * 1024; bytes /= 2) {
    try {
      socket.setRecvBufferSize(bytes);
      break;
    } catch {
      // Some systems refuse what they cannot grant instead of granting less: ask for half.
    }
  }
  return socket.getRecvBufferSize();
}

/** Where we send to are addresses that we received from; looking each up again costs as much as sending. */
const lookupUnlessNumeric: NonNullable<SocketOptions['lookup']> = (hostname, options, found) => {
  const family = isIP(hostname);
  if (family === 0) lookup(hostname, options, found);
  else found(null, hostname, family);
};

function textAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Binds a UDP socket; rejects with a link error. */
export function openUdpSocket(options: OpenUdpOptions): Promise<UdpSocket> {
  const { host, port, onDatagram, onError } = options;
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    lookup: lookupUnlessNumeric,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(bindError(error, host, port));
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.on('error', onError);
      socket.on('message', onDatagram);
      const bound = socket.address();
      let open = true;
      resolve({
        address: textAddress(bound.address, bound.port),
        port: bound.port,
        receiveBufferBytes: widenReceiveBuffer(socket),
        send(bytes, toPort, toAddress, onSendError) {
          if (!open) return;
          socket.send(bytes, toPort, toAddress, (error) => {
            if (error) (onSendError ?? onError)(error);
          });
        },
        close() {
          if (!open) return Promise.resolve();
          open = false;
          return new Promise((closed) => socket.close(() => closed()));
        },
      });
    });
  });
}
