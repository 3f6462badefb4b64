/** A gateway server whose links, registry and clock are under the test's hand. */
import { create, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { GatewaySchema } from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import type {
  GatewayUplink,
  LinkCapabilities,
  LinkKind,
  LinkSink,
  Modulation,
  TxAcknowledgment,
  TxRequest,
} from '../../base/gateway-link.ts';
import { silentLogger } from '../../base/logger.ts';
import type {
  DownlinkRequest,
  FreeDownlinkRequest,
  ReceivedUplink,
  ScheduleResult,
} from '../../base/seams.ts';
import { virtualClock } from '../../base/virtual-clock.ts';
import type { EventInput } from '../../events/index.ts';
import { gatewaySettings } from '../../registry/gateway-settings.ts';
import type { GatewayPlace } from '../../registry/index.ts';
import { createGatewayServer } from '../index.ts';

type GatewayInit = Exclude<MessageInitShape<typeof GatewaySchema>, { $typeName: string }>;

export interface RigOptions {
  readonly kind?: LinkKind;
  readonly capabilities?: Partial<LinkCapabilities>;
  /** Plan of the link; none unless given. */
  readonly frequencyPlanId?: string;
  /** EUIs of the gateways behind it. */
  readonly euis?: readonly string[];
  /** Gateways as they are registered, by EUI; the others were only heard. */
  readonly registered?: Readonly<Record<string, GatewayInit>>;
}

export const EUI = 'AA555A0000000001';
export const OTHER_EUI = 'AA555A0000000002';
export const idOf = (eui: string): string => `eui-${eui.toLowerCase()}`;

export const lora = (spreadingFactor: number, bandwidthHz = 125_000): Modulation => ({
  kind: 'lora',
  spreadingFactor,
  bandwidthHz,
  codingRate: '4/5',
});

export const EU_RX1 = {
  window: 'RX1',
  delayMs: 1_000,
  frequencyHz: 868_100_000,
  modulation: lora(7),
  maxPhyPayloadBytes: 235,
} as const;
export const EU_RX2 = {
  window: 'RX2',
  delayMs: 2_000,
  frequencyHz: 869_525_000,
  modulation: lora(12),
  maxPhyPayloadBytes: 64,
} as const;
const EU = { bandId: 'EU_863_870', frequencyPlanId: 'EU_863_870', priority: 3 } as const;

/** Causes of all refusals, with their windows. */
export const causes = ({ refusals }: ScheduleResult): string[] =>
  refusals.map(({ window, cause }) => `${window} ${cause}`);

export type Rig = Awaited<ReturnType<typeof createRig>>;

/** Starts one link with its gateways connected and ready for downlinks. */
export async function createRig(options: RigOptions = {}) {
  const { kind = 'virtual', euis = [EUI], registered = {} } = options;
  const clock = virtualClock();
  const log: (EventInput & { readonly message?: Message | undefined })[] = [];
  const received: ReceivedUplink[] = [];
  const sent: TxRequest[] = [];
  const places: { readonly gatewayId: string; readonly place: GatewayPlace }[] = [];
  const answers: TxAcknowledgment[] = [];
  let answer: TxAcknowledgment = { result: 'success' };
  let sink: LinkSink | undefined;
  let nextReception = 1;
  const settingsOf = (gatewayId: string) => {
    const eui = Object.keys(registered).find((known) => idOf(known) === gatewayId);
    const init = eui === undefined ? undefined : registered[eui];
    return init && gatewaySettings(create(GatewaySchema, init));
  };
  const server = createGatewayServer({
    store: { frames: { addReception: () => nextReception++, addFrame: () => 0 } },
    registry: {
      gateways: {
        ensureHeard: idOf,
        settings: settingsOf,
        recordLocation: async (gatewayId, place) => void places.push({ gatewayId, place }),
      },
    },
    events: { publish: (event) => void log.push({ ...event, message: event.data?.().message }) },
    clock,
    logger: silentLogger(),
    handler: { handleUplink: (uplink) => void received.push(uplink) },
  });
  await server.add(
    {
      id: 'link',
      kind,
      capabilities: { leadTimeMs: 50, singleChannel: false, ...options.capabilities },
      async start(given) {
        sink = given;
        given.state({ phase: 'running' });
      },
      async transmit(request) {
        sent.push(request);
        return answers.shift() ?? answer;
      },
      stop: () => Promise.resolve(),
    },
    { frequencyPlanId: options.frequencyPlanId ?? '' },
  );
  const link = (): LinkSink => {
    if (!sink) throw new Error('the link was not started');
    return sink;
  };
  for (const gatewayEui of euis)
    link().connected({ gatewayEui, protocol: 'udp', downlinkReady: true });
  const rig = {
    clock,
    server,
    sent,
    places,
    log,
    sink: link(),
    /** How the gateways answer from now on. */
    answerWith(given: TxAcknowledgment) {
      answer = given;
    },
    /** How they answer next, one after another. */
    answerOnce: (...given: TxAcknowledgment[]) => void answers.push(...given),
    hear(rest: Partial<GatewayUplink> = {}): ReceivedUplink {
      link().uplink({
        gatewayEui: EUI,
        phyPayload: new Uint8Array([0x40, 1, 2, 3, 4, 0, 1, 0, 1, 0xaa, 1, 2, 3, 4]),
        frequencyHz: 868_100_000,
        modulation: lora(7),
        concentratorTimestampUs: (clock.monotonic() * 1_000) % 2 ** 32,
        antennas: [{ antennaIndex: 0, channelRssiDbm: -70, snrDb: 8 }],
        ...rest,
      });
      const last = received.at(-1);
      if (!last) throw new Error('nothing was handed on');
      return last;
    },
    schedule: (paths: readonly ReceivedUplink[], rest: Partial<DownlinkRequest> = {}) =>
      server.scheduler.schedule({
        phyPayload: new Uint8Array(20),
        windows: [EU_RX1, EU_RX2],
        paths,
        ...EU,
        ...rest,
      }),
    scheduleFree: (rest: Partial<FreeDownlinkRequest> = {}) =>
      server.scheduler.scheduleFree({
        phyPayload: new Uint8Array(20),
        window: { ...EU_RX2, window: 'immediate' },
        gateways: [{ gatewayId: idOf(EUI), antennaIndex: 0 }],
        ...EU,
        ...rest,
      }),
    /** So many downlinks were acknowledged after `roundTripMs` each. */
    async measure(roundTripsMs: readonly number[]) {
      for (const roundTripMs of roundTripsMs) {
        rig.answerOnce({ result: 'success', roundTripMs });
        rig.schedule([rig.hear()]);
        await clock.advance(5_000);
      }
      sent.length = 0;
      log.length = 0;
    },
    /** Names of the events whose name begins so. */
    events: (prefix = '') =>
      log.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name),
    /** Messages that the events of that name carry. */
    dataOf: (name: string) =>
      log.filter((event) => event.name === name).map(({ message }) => message),
  };
  return rig;
}
