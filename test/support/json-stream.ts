import { type IncomingMessage, request } from 'node:http';
import { API_KEY, type HeadlessProcess } from './headless-process.ts';
import type { Json } from './program-api.ts';

/** A REST stream, one JSON per line, over a connection of its own whose reading can be stopped. */
export interface JsonStream {
  /** The results read so far. */
  readonly results: readonly Json[];
  /** Stops taking bytes from the socket, as a hung client does. */
  pause(): void;
  resume(): void;
  close(): void;
}

function readLines(answer: IncomingMessage, results: Json[]): void {
  let rest = '';
  answer.setEncoding('utf8');
  answer.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') results.push((JSON.parse(line) as { result: Json }).result);
    }
  });
  answer.on('error', () => undefined);
}

/** Opens a stream below `/api/v3`; resolves with its first result. */
export async function openJsonStream(
  program: HeadlessProcess,
  path: string,
  body: Json,
): Promise<JsonStream> {
  const [host, port] = (program.addresses.http ?? '').split(':');
  const results: Json[] = [];
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request(
      {
        host,
        port: Number(port),
        method: 'POST',
        path: `/api/v3${path}`,
        headers: { authorization: `Bearer ${API_KEY}` },
        agent: false,
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
  readLines(answer, results);
  return {
    results,
    pause: () => void answer.pause(),
    resume: () => void answer.resume(),
    close: () => void answer.destroy(),
  };
}
