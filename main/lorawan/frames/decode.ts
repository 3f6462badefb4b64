import { MIC_BYTES } from '../crypto/index.ts';
import { devAddrFromLsb, eui64FromLsb, netIdFromLsb } from '../identifiers.ts';
import { type Issue, NO_ISSUES } from '../issue.ts';
import {
  type DecodedFrame,
  type DownlinkDataFrame,
  F_TYPES,
  type FType,
  type InvalidFrame,
  type UplinkDataFrame,
} from './types.ts';

const NO_BYTES = new Uint8Array(0);
/** MHDR, DevAddr, FCtrl, FCnt. */
const FHDR_END = 8;
const MIN_DATA_FRAME_BYTES = FHDR_END + MIC_BYTES;
const JOIN_REQUEST_BYTES = 23;
const JOIN_ACCEPT_BYTES = 17;
const JOIN_ACCEPT_CF_LIST_BYTES = 33;
const REJOIN_REQUEST_02_BYTES = 19;
const REJOIN_REQUEST_1_BYTES = 24;

function invalid(
  phyPayload: Uint8Array,
  declaredFType: FType | undefined,
  issue: Issue,
): InvalidFrame {
  const major = (phyPayload[0] ?? 0) & 0x03;
  return { fType: 'INVALID', phyPayload, major, issues: [issue], declaredFType };
}

function wrongSize(phyPayload: Uint8Array, declared: FType, expected: string): InvalidFrame {
  return invalid(phyPayload, declared, {
    offset: 0,
    length: phyPayload.length,
    code: 'raw_payload_size',
    message: `A ${declared} frame has ${expected} bytes; this one has ${phyPayload.length}.`,
  });
}

function headerIssues(phyPayload: Uint8Array): readonly Issue[] {
  const mhdr = phyPayload[0]!;
  if ((mhdr & 0x1f) === 0) return NO_ISSUES;
  const issues: Issue[] = [];
  if ((mhdr & 0x03) !== 0) {
    issues.push({
      offset: 0,
      length: 1,
      code: 'lorawan_major_version',
      message: `Major version ${mhdr & 0x03} is not LoRaWAN R1 (0).`,
    });
  }
  if ((mhdr & 0x1c) !== 0) {
    issues.push({
      offset: 0,
      length: 1,
      code: 'rfu_not_zero',
      message: 'Bits 2 to 4 of MHDR are reserved and should be 0.',
    });
  }
  return issues;
}

function dataIssues(
  phyPayload: Uint8Array,
  fOptsLength: number,
  fPort: number | undefined,
): readonly Issue[] {
  const issues = headerIssues(phyPayload);
  if (fOptsLength === 0 || fPort !== 0) return issues;
  return [
    ...issues,
    {
      offset: FHDR_END,
      length: fOptsLength + 1,
      code: 'f_opts_with_port_0',
      message: 'MAC commands stand in FOpts although FPort 0 carries MAC commands too.',
    },
  ];
}

function decodeData(
  phyPayload: Uint8Array,
  fType: UplinkDataFrame['fType'] | DownlinkDataFrame['fType'],
): DecodedFrame {
  const size = phyPayload.length;
  if (size < MIN_DATA_FRAME_BYTES) {
    return invalid(phyPayload, fType, {
      offset: 0,
      length: size,
      code: 'raw_payload_too_short',
      message: `A data frame has at least ${MIN_DATA_FRAME_BYTES} bytes; this one has ${size}.`,
    });
  }
  const control = phyPayload[5]!;
  const fOptsLength = control & 0x0f;
  const fOptsEnd = FHDR_END + fOptsLength;
  const micStart = size - MIC_BYTES;
  if (fOptsEnd > micStart) {
    return invalid(phyPayload, fType, {
      offset: 5,
      length: 1,
      code: 'f_opts_length',
      message: `FOptsLen is ${fOptsLength}, but only ${micStart - FHDR_END} bytes follow before the MIC.`,
    });
  }
  const fPort = fOptsEnd < micStart ? phyPayload[fOptsEnd]! : undefined;
  const up = fType === 'UNCONFIRMED_UP' || fType === 'CONFIRMED_UP';
  const common = {
    phyPayload,
    major: phyPayload[0]! & 0x03,
    devAddr: devAddrFromLsb(phyPayload, 1),
    fCnt: phyPayload[6]! | (phyPayload[7]! << 8),
    fOpts: fOptsLength === 0 ? NO_BYTES : phyPayload.subarray(FHDR_END, fOptsEnd),
    fPort,
    frmPayload: fOptsEnd + 1 < micStart ? phyPayload.subarray(fOptsEnd + 1, micStart) : NO_BYTES,
    mic: phyPayload.subarray(micStart),
    issues: dataIssues(phyPayload, fOptsLength, fPort),
  };
  const adr = (control & 0x80) !== 0;
  const ack = (control & 0x20) !== 0;
  if (up) {
    const fCtrl = {
      adr,
      adrAckReq: (control & 0x40) !== 0,
      ack,
      classB: (control & 0x10) !== 0,
    };
    return { fType, direction: 'up', fCtrl, ...common };
  }
  const fCtrl = { adr, ack, fPending: (control & 0x10) !== 0 };
  return { fType, direction: 'down', fCtrl, ...common };
}

function u16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

function decodeJoinRequest(phyPayload: Uint8Array): DecodedFrame {
  if (phyPayload.length !== JOIN_REQUEST_BYTES) {
    return wrongSize(phyPayload, 'JOIN_REQUEST', `${JOIN_REQUEST_BYTES}`);
  }
  return {
    fType: 'JOIN_REQUEST',
    phyPayload,
    major: phyPayload[0]! & 0x03,
    issues: headerIssues(phyPayload),
    joinEui: eui64FromLsb(phyPayload, 1),
    devEui: eui64FromLsb(phyPayload, 9),
    devNonce: u16(phyPayload, 17),
    mic: phyPayload.subarray(19),
  };
}

function decodeJoinAccept(phyPayload: Uint8Array): DecodedFrame {
  const size = phyPayload.length;
  if (size !== JOIN_ACCEPT_BYTES && size !== JOIN_ACCEPT_CF_LIST_BYTES) {
    return wrongSize(
      phyPayload,
      'JOIN_ACCEPT',
      `${JOIN_ACCEPT_BYTES} or ${JOIN_ACCEPT_CF_LIST_BYTES}`,
    );
  }
  return {
    fType: 'JOIN_ACCEPT',
    phyPayload,
    major: phyPayload[0]! & 0x03,
    issues: headerIssues(phyPayload),
    encrypted: phyPayload.subarray(1),
  };
}

function decodeRejoinRequest(phyPayload: Uint8Array): DecodedFrame {
  const rejoinType = phyPayload[1];
  const base = {
    fType: 'REJOIN_REQUEST' as const,
    phyPayload,
    major: phyPayload[0]! & 0x03,
    issues: headerIssues(phyPayload),
  };
  switch (rejoinType) {
    case 0:
    case 2:
      if (phyPayload.length !== REJOIN_REQUEST_02_BYTES) {
        return wrongSize(phyPayload, 'REJOIN_REQUEST', `${REJOIN_REQUEST_02_BYTES}`);
      }
      return {
        ...base,
        rejoinType,
        netId: netIdFromLsb(phyPayload, 2),
        devEui: eui64FromLsb(phyPayload, 5),
        rjCount: u16(phyPayload, 13),
        mic: phyPayload.subarray(15),
      };
    case 1:
      if (phyPayload.length !== REJOIN_REQUEST_1_BYTES) {
        return wrongSize(phyPayload, 'REJOIN_REQUEST', `${REJOIN_REQUEST_1_BYTES}`);
      }
      return {
        ...base,
        rejoinType,
        joinEui: eui64FromLsb(phyPayload, 2),
        devEui: eui64FromLsb(phyPayload, 10),
        rjCount: u16(phyPayload, 18),
        mic: phyPayload.subarray(20),
      };
    default:
      return invalid(phyPayload, 'REJOIN_REQUEST', {
        offset: Math.min(1, phyPayload.length - 1),
        length: 1,
        code: 'rejoin_type',
        message: `Rejoin type ${rejoinType ?? '(missing)'} does not exist; it is 0, 1 or 2.`,
      });
  }
}

/** Reads a frame as it was on air. Never throws: bytes that are no frame give an `INVALID` one with its issues. */
export function decodeFrame(phyPayload: Uint8Array): DecodedFrame {
  const mhdr = phyPayload[0];
  if (mhdr === undefined) {
    return invalid(phyPayload, undefined, {
      offset: 0,
      length: 0,
      code: 'raw_payload_too_short',
      message: 'The frame is empty.',
    });
  }
  const fType = F_TYPES[mhdr >> 5]!;
  switch (fType) {
    case 'UNCONFIRMED_UP':
    case 'CONFIRMED_UP':
    case 'UNCONFIRMED_DOWN':
    case 'CONFIRMED_DOWN':
      return decodeData(phyPayload, fType);
    case 'JOIN_REQUEST':
      return decodeJoinRequest(phyPayload);
    case 'JOIN_ACCEPT':
      return decodeJoinAccept(phyPayload);
    case 'REJOIN_REQUEST':
      return decodeRejoinRequest(phyPayload);
    case 'PROPRIETARY':
      return {
        fType,
        phyPayload,
        major: mhdr & 0x03,
        issues: headerIssues(phyPayload),
        payload: phyPayload.subarray(1),
      };
  }
}
