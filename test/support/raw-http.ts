import { type Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { API_KEY, type HeadlessProcess } from './headless-process.ts';

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Connections to use; one of its own if absent. */
  readonly agent?: Agent;
}

/** Sends a request as it is, which `fetch` would not, and reads the whole answer. */
export function rawCall(program: HeadlessProcess, options: RawRequest): Promise<RawAnswer> {
  const [host, port] = (program.addresses.http ?? '').split(':');
  const body = Buffer.from(options.body ?? '');
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host,
        port: Number(port),
        method: options.method ?? 'POST',
        path: options.path,
        headers: {
          authorization: `Bearer ${API_KEY}`,
          'content-length': String(body.length),
          ...options.headers,
        },
        agent: options.agent ?? false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            contentType: answer.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** What a connection of bytes brings back until the program ends it. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  text(): string;
  /** Resolves once the program closed it. */
  readonly closed: Promise<void>;
}

/** Opens a connection to an address and writes bytes as they are. */
export async function rawConnection(
  address: string,
  bytes: string | Uint8Array,
): Promise<RawConnection> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write(bytes);
  return { socket, text: () => received, closed };
}
