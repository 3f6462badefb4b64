/** A network side for tests that shares nothing with the device: frames, MICs and keys come from lora-packet. */
import loraPacket from 'lora-packet';
import type {
  GatewayUplink,
  LinkSink,
  LinkState,
  Modulation,
  TxAcknowledgment,
  TxRequest,
} from '../../base/gateway-link.ts';
import type { VirtualGateway } from '../virtual-gateway.ts';

export interface NetworkUplink {
  readonly reception: GatewayUplink;
  readonly confirmed: boolean;
  readonly fCnt: number;
  readonly fPort: number | undefined;
  readonly ack: boolean;
  readonly adr: boolean;
  readonly adrAckReq: boolean;
  readonly fOptsHex: string;
  readonly payloadHex: string;
  readonly micValid: boolean;
}

export interface NetworkDownlink {
  readonly fCnt?: number;
  readonly fPort?: number;
  readonly payloadHex?: string;
  readonly fOptsHex?: string;
  readonly confirmed?: boolean;
  readonly ack?: boolean;
  readonly fPending?: boolean;
  readonly badMic?: boolean;
}

export interface Placement {
  readonly delayUs: number;
  readonly frequencyHz: number;
  readonly modulation: Modulation;
}

export interface JoinAnswer {
  readonly placement: (request: GatewayUplink) => Placement;
  readonly dlSettings?: number;
  readonly rxDelay?: number;
  readonly cfListHex?: string;
}

export interface Session {
  readonly devAddr: Buffer;
  readonly nwkSKey: Buffer;
  readonly appSKey: Buffer;
}

export const hexBytes = (text: string): Buffer => Buffer.from(text, 'hex');

export function lora(spreadingFactor: number, bandwidthHz = 125_000): Modulation {
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate: '4/5' };
}

/** A transmission at a place after an uplink. */
export function downlinkAfter(
  reception: GatewayUplink,
  placement: Placement,
  phyPayload: Uint8Array,
): TxRequest {
  return {
    gatewayEui: reception.gatewayEui,
    phyPayload: Uint8Array.from(phyPayload),
    frequencyHz: placement.frequencyHz,
    modulation: placement.modulation,
    eirpDbm: 16,
    antennaIndex: 0,
    invertPolarization: true,
    payloadCrc: false,
    time: {
      kind: 'timestamp',
      concentratorTimestampUs: (reception.concentratorTimestampUs + placement.delayUs) % 2 ** 32,
    },
  };
}

const NET_ID = hexBytes('000001');
const JOIN_NONCE = hexBytes('00000A');

export class LoraPacketNetwork {
  readonly joinRequests: { readonly devNonceHex: string; readonly reception: GatewayUplink }[] = [];
  readonly uplinks: NetworkUplink[] = [];
  readonly states: LinkState[] = [];
  readonly log: string[] = [];
  readonly acknowledgments: TxAcknowledgment[] = [];
  session: Session | undefined;
  joinAnswer: JoinAnswer | undefined;
  /** Called after each data uplink. */
  onUplink: ((uplink: NetworkUplink) => void) | undefined;
  fCntDown = 0;
  /** High 16 bits the network expects of uplink counters. */
  fCntUpHigh = 0;
  readonly #gateway: VirtualGateway;
  readonly #appKey: Buffer;

  constructor(gateway: VirtualGateway, appKeyHex: string) {
    this.#gateway = gateway;
    this.#appKey = hexBytes(appKeyHex);
  }

  readonly sink: LinkSink = {
    uplink: (uplink) => this.#uplink(uplink),
    status: (status) => this.log.push(`status ${status.receivedCount}/${status.transmittedCount}`),
    connected: (connection) => this.log.push(`connected ${connection.protocol}`),
    disconnected: () => this.log.push('disconnected'),
    state: (state) => this.states.push(state),
    malformed: (code) => this.log.push(code),
  };

  /** Transmits a downlink with the next counter relative to an uplink. */
  send(reception: GatewayUplink, placement: Placement, downlink: NetworkDownlink): void {
    this.transmit(reception, placement, this.seal(downlink));
  }

  /** A downlink of the session with the next counter. */
  seal(downlink: NetworkDownlink): Buffer {
    const session = this.#activeSession();
    const fCnt = downlink.fCnt ?? this.fCntDown;
    this.fCntDown = fCnt + 1;
    const msb = Buffer.of((fCnt >> 16) & 0xff, (fCnt >> 24) & 0xff);
    const packet = loraPacket.fromFields(
      {
        MType: downlink.confirmed ? 'Confirmed Data Down' : 'Unconfirmed Data Down',
        DevAddr: session.devAddr,
        FCtrl: { ACK: downlink.ack ?? false, FPending: downlink.fPending ?? false },
        FCnt: Buffer.of((fCnt >> 8) & 0xff, fCnt & 0xff),
        FOpts: downlink.fOptsHex ?? '',
        payload: hexBytes(downlink.payloadHex ?? ''),
        ...(downlink.fPort !== undefined && { FPort: downlink.fPort }),
      },
      session.appSKey,
      session.nwkSKey,
      undefined,
      msb,
    );
    const { MHDR, MACPayload } = packet;
    if (!MHDR || !MACPayload) throw new Error('lora-packet built no frame');
    const head = Buffer.concat([MHDR, MACPayload]);
    const forMic = loraPacket.fromWire(Buffer.concat([head, Buffer.alloc(4)]));
    const mic = loraPacket.calculateMIC(forMic, session.nwkSKey, undefined, msb);
    if (downlink.badMic) mic[0] = (mic[0] ?? 0) ^ 1;
    return Buffer.concat([head, mic]);
  }

  transmit(reception: GatewayUplink, placement: Placement, phyPayload: Uint8Array): void {
    void this.#gateway
      .transmit(downlinkAfter(reception, placement, phyPayload))
      .then((acknowledgment) => this.acknowledgments.push(acknowledgment));
  }

  #activeSession(): Session {
    if (!this.session) throw new Error('the test network has no session');
    return this.session;
  }

  #uplink(reception: GatewayUplink): void {
    const packet = loraPacket.fromWire(Buffer.from(reception.phyPayload));
    if (packet.isJoinRequestMessage()) this.#joinRequest(reception, packet);
    else this.#data(reception, packet);
  }

  #joinRequest(reception: GatewayUplink, packet: ReturnType<typeof loraPacket.fromWire>): void {
    if (!loraPacket.verifyMIC(packet, undefined, this.#appKey)) {
      this.log.push('join-request with bad MIC');
      return;
    }
    const devNonce = packet.DevNonce ?? Buffer.alloc(2);
    this.joinRequests.push({ devNonceHex: devNonce.toString('hex'), reception });
    const answer = this.joinAnswer;
    if (!answer) return;
    const devAddr = hexBytes('0212F00D');
    const keys = loraPacket.generateSessionKeys10(this.#appKey, NET_ID, JOIN_NONCE, devNonce);
    this.session = { devAddr, nwkSKey: keys.NwkSKey, appSKey: keys.AppSKey };
    this.fCntDown = 0;
    const accept = loraPacket.fromFields(
      {
        MType: 'Join Accept',
        AppNonce: JOIN_NONCE,
        NetID: NET_ID,
        DevAddr: devAddr,
        DLSettings: Buffer.of(answer.dlSettings ?? 0),
        RxDelay: Buffer.of(answer.rxDelay ?? 1),
        CFList: hexBytes(answer.cfListHex ?? ''),
      },
      undefined,
      undefined,
      this.#appKey,
    );
    const phyPayload = accept.getPHYPayload();
    if (phyPayload) this.transmit(reception, answer.placement(reception), phyPayload);
  }

  #data(reception: GatewayUplink, packet: ReturnType<typeof loraPacket.fromWire>): void {
    const { nwkSKey, appSKey } = this.#activeSession();
    const high = Buffer.of(this.fCntUpHigh & 0xff, this.fCntUpHigh >> 8);
    const payload = packet.FRMPayload?.length
      ? loraPacket.decrypt(packet, appSKey, nwkSKey, high)
      : Buffer.alloc(0);
    const uplink: NetworkUplink = {
      reception,
      confirmed: packet.isConfirmed(),
      fCnt: packet.getFCnt() ?? -1,
      fPort: packet.getFPort() ?? undefined,
      ack: packet.getFCtrlACK() ?? false,
      adr: packet.getFCtrlADR() ?? false,
      adrAckReq: packet.getFCtrlADRACKReq() ?? false,
      fOptsHex: packet.FOpts?.toString('hex') ?? '',
      payloadHex: payload.toString('hex'),
      micValid: loraPacket.verifyMIC(packet, nwkSKey, undefined, high),
    };
    this.uplinks.push(uplink);
    this.onUplink?.(uplink);
  }
}
