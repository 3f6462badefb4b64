/**
 * Calls as the command line of The Things Stack makes them, with a description of the messages that shares nothing
 * with the product: built at run time from the published field numbers in `testdata/stack-messages.json`.
 */
import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import published from '../testdata/stack-messages.json' with { type: 'json' };
import { API_KEY } from './headless-process.ts';
import type { Json } from './program-api.ts';

const USER_AGENT = 'ttn-lw-cli go/go1.24.3 ttn/3.32.1';

type Fields = Readonly<Record<string, string>>;
type Entry = Readonly<Record<string, unknown>>;

/** A field as it is written down: `repeated Right = 4`, `map<string, Location> = 12`, `bytes = 4`. */
function field(text: string): Entry {
  const [type = '', number] = text.split(' = ');
  const id = Number(number);
  const map = /^map<(\w+), (\w+)>$/.exec(type);
  if (map) return { keyType: map[1], type: map[2], id };
  return type.startsWith('repeated ')
    ? { rule: 'repeated', type: type.slice('repeated '.length), id }
    : { type, id };
}

const mapped = <In, Out>(entries: Readonly<Record<string, In>>, to: (value: In) => Out) =>
  Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, to(value)]));

/** A method as it is written down: `StreamEventsRequest -> stream Event`. */
function method(text: string): Entry {
  const [requestType, answer = ''] = text.split(' -> ');
  const responseStream = answer.startsWith('stream ');
  return { requestType, responseType: answer.replace('stream ', ''), responseStream };
}

/** Not a service: where the loader keeps the readers of messages that no call answers with. */
const READERS = { status: 'PbEmpty -> RpcStatus', details: 'PbEmpty -> ErrorDetails' };

function description(): Entry {
  const oneofs = published.oneofs as Readonly<Record<string, Record<string, string[]>>>;
  const messages = Object.entries(published.messages as Readonly<Record<string, Fields>>).map(
    ([name, fields]) => [
      name,
      {
        edition: 'proto3',
        fields: mapped(fields, field),
        oneofs: mapped(oneofs[name] ?? {}, (members) => ({ oneof: members })),
      },
    ],
  );
  const nested = {
    ...Object.fromEntries(messages),
    ...mapped(published.enums as Readonly<Record<string, Entry>>, (values) => ({
      edition: 'proto3',
      values,
    })),
    ...mapped(
      { ...published.services, READERS } as Readonly<Record<string, Fields>>,
      (methods) => ({
        edition: 'proto3',
        methods: mapped(methods, method),
      }),
    ),
  };
  const [ttn = '', lorawan = '', v3 = ''] = published.package.split('.');
  return { nested: { [ttn]: { nested: { [lorawan]: { nested: { [v3]: { nested } } } } } } };
}

type Call = (...args: unknown[]) => ClientReadableStream<Json>;
type ServiceClient = Client & Readonly<Record<string, Call>>;

const OPTIONS = { enums: String, longs: Number, oneofs: true } as const;
const definition = fromJSON(description() as never, OPTIONS);

type Reader = (bytes: Buffer) => Json;
const reader = (name: keyof typeof READERS): Reader => {
  const readers = definition[`${published.package}.READERS`] as never as Record<
    string,
    { responseDeserialize: Reader }
  >;
  const found = readers[name]?.responseDeserialize;
  if (!found) throw new Error(`There is no reader ${name}.`);
  return found;
};

/** What a refused call carries for programs: its `ErrorDetails`. */
export async function refusalOf(call: Promise<unknown>): Promise<Json> {
  const error = await call.then(
    () => undefined,
    (refused: ServiceError) => refused,
  );
  const [status] = error?.metadata.get('grpc-status-details-bin') ?? [];
  if (!status) throw error ?? new Error('The call was not refused.');
  const { details } = reader('status')(status as Buffer) as {
    details: { type_url: string; value: Buffer }[];
  };
  const [first] = details;
  if (first?.type_url !== `type.googleapis.com/${published.package}.ErrorDetails`)
    throw new Error(`The status carries ${first?.type_url}.`);
  return reader('details')(first.value);
}

/** What a call answered: fields that are not on the wire are absent, bytes are Buffers. */
export interface Answered {
  readonly message: Json;
  /** Response headers, by lower-case name. */
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface StackClient {
  /** A call of a service; rejects with its `ServiceError`. */
  call(service: string, method: string, request?: Json): Promise<Answered>;
  /** A stream; `next` waits for its next message. */
  stream(service: string, method: string, request: Json): StackStream;
  close(): void;
}

export interface StackStream {
  next(): Promise<Json>;
  cancel(): void;
}

function readStream(call: ReturnType<Call>): StackStream {
  // Whoever waits for a message is told of an error; one after the last wait, as of a cancelled call, tells nothing.
  call.on('error', () => undefined);
  const messages = call[Symbol.asyncIterator]() as AsyncIterator<Json>;
  return {
    async next() {
      const { value, done } = await messages.next();
      if (done) throw new Error('The stream has ended.');
      return value;
    },
    cancel: () => call.cancel(),
  };
}

/** A client of the program's gRPC address (`host:port`) that sends an API key as the command line does. */
export function stackClient(address: string, key = API_KEY): StackClient {
  const loaded = loadPackageDefinition(definition) as never as {
    ttn: {
      lorawan: { v3: Record<string, new (...args: unknown[]) => ServiceClient> };
    };
  };
  const open = new Map<string, ServiceClient>();
  const client = (service: string): ServiceClient => {
    const known = open.get(service);
    if (known) return known;
    const Client = loaded.ttn.lorawan.v3[service];
    if (!Client) throw new Error(`There is no service ${service}.`);
    const made = new Client(address, credentials.createInsecure(), {
      'grpc.primary_user_agent': USER_AGENT,
    });
    open.set(service, made);
    return made;
  };
  const metadata = () => {
    const made = new Metadata();
    made.set('authorization', `bearer ${key}`);
    return made;
  };
  return {
    call(service, name, request = {}) {
      return new Promise((resolve, reject) => {
        let headers = {};
        const done = (error: ServiceError | null, message: Json) =>
          error ? reject(error) : resolve({ message, headers });
        client(service)
          [name]?.(request, metadata(), done)
          .on('metadata', (received: Metadata) => {
            headers = received.getMap();
          });
      });
    },
    stream: (service, name, request) => {
      const call = client(service)[name];
      if (!call) throw new Error(`There is no method ${name}.`);
      return readStream(call.call(client(service), request, metadata()));
    },
    close() {
      for (const each of open.values()) each.close();
    },
  };
}
