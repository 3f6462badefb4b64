import { API_KEY, type HeadlessProcess } from './headless-process.ts';
import type { Json } from './program-api.ts';

/** An event as REST writes it. */
export interface StreamedEvent {
  readonly name: string;
  readonly data?: Json;
  readonly identifiers?: readonly { readonly device_ids?: { readonly device_id: string } }[];
}

/** Everything a subscriber of `/api/v3/events` was told, in order. */
export interface EventStream {
  readonly events: readonly StreamedEvent[];
  /** Names of the events of one device. */
  namesOf(deviceId: string): string[];
  close(): Promise<void>;
}

/** Subscribes to all events of an application; resolves once the subscription stands. */
export async function openEventStream(
  program: HeadlessProcess,
  applicationId: string,
): Promise<EventStream> {
  const answer = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({
      identifiers: [{ application_ids: { application_id: applicationId } }],
    }),
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const events: StreamedEvent[] = [];
  const decoder = new TextDecoder();
  let rest = '';
  /** Reads one piece; false at the end of the stream. */
  const readOn = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (done) return false;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') events.push((JSON.parse(line) as { result: StreamedEvent }).result);
    }
    return true;
  };
  await readOn();
  const reading = (async () => {
    while (await readOn());
  })();
  // Whoever ends the program before its streams sees this at `close`.
  reading.catch(() => undefined);
  return {
    events,
    namesOf: (deviceId) =>
      events
        .filter(({ identifiers }) =>
          identifiers?.some(({ device_ids }) => device_ids?.device_id === deviceId),
        )
        .map(({ name }) => name),
    async close() {
      await reader.cancel();
      await reading;
    },
  };
}
