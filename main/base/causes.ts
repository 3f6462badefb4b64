/** The closed list of reasons why a frame was not taken, or not sent, with what to tell a person about each. */

/** What became of a frame; the numbers are those of `gatehouse.v1.Outcome`. */
export const OUTCOME = {
  ACCEPTED: 1,
  DUPLICATE: 2,
  FORWARDED: 3,
  DROPPED: 4,
  NOT_PROCESSED: 5,
  SCHEDULED: 6,
  TRANSMITTED: 7,
  FAILED: 8,
} as const;
export type OutcomeNumber = (typeof OUTCOME)[keyof typeof OUTCOME];

/** Who decided; the numbers are those of `gatehouse.v1.StageKind`. */
export const STAGE = {
  GATEWAY: 1,
  NETWORK: 2,
  JOIN: 3,
  APPLICATION: 4,
  PACKET_BROKER: 5,
} as const;
export type StageNumber = (typeof STAGE)[keyof typeof STAGE];

interface CauseText {
  /** What happened. */
  readonly text: string;
  /** What to do about it. */
  readonly suggestion: string;
}

function cause(text: string, suggestion = ''): CauseText {
  return { text, suggestion };
}

const RECEIVING = {
  message_crc: cause(
    'The gateway received the frame with a wrong checksum.',
    'Nothing to do if this happens now and then. If it is frequent, look for interference or move the antenna.',
  ),
  raw_payload_too_short: cause(
    'The bytes are too few for a LoRaWAN frame.',
    'They come from a device that does not speak LoRaWAN, or were cut on the way.',
  ),
  raw_payload_invalid: cause(
    'The bytes are no valid LoRaWAN frame.',
    'They come from a device that does not speak LoRaWAN, or were damaged on the way.',
  ),
  lorawan_major_version: cause(
    'The frame belongs to a major version of LoRaWAN that does not exist yet.',
    'Probably it comes from a device that does not speak LoRaWAN.',
  ),
  payload_type: cause(
    'Frames of this type are not sent by end devices.',
    'A gateway heard the downlink of another gateway. It should receive with inverted polarization off.',
  ),
  proprietary_frame: cause(
    'The frame is of the proprietary type, whose content only its vendor knows.',
  ),
  /** Only in records of version 0.1. */
  rejoin_request: cause(
    'Rejoin-requests are not answered.',
    'The device falls back to a join-request by itself.',
  ),
  rejoin_not_supported: cause(
    'Rejoin-requests exist from LoRaWAN 1.1 on, and the device is registered with an earlier version.',
    'If the firmware speaks LoRaWAN 1.1, register the device with that version and its NwkKey.',
  ),
  rejoin_session: cause(
    'The rejoin-request is protected by a session, and this device has none here.',
    'Let the device join. Rejoin-requests of type 1 need no session.',
  ),
  rj_count_too_small: cause(
    'The counter of the rejoin-request was used before: a repetition or a replay.',
    'RJcount0 counts up within a session, RJcount1 over the whole life of the device. If it was reset, let it join again.',
  ),
  not_processed: cause('The frame was heard, but Gatehouse ended before it was decided.'),
  internal_error: cause(
    'Gatehouse failed while it worked on the frame.',
    'This is a fault of Gatehouse. The log has the details; please report them.',
  ),
  store_full: cause(
    'The disk is full, so the new counter could not be stored and the frame was not taken.',
    'Make room on the disk. Frames are taken again as soon as storing works.',
  ),
  store_failed: cause(
    'The new counter could not be stored, so the frame was not taken.',
    'Look at the disk and the permissions of the data folder. Frames are taken again as soon as storing works.',
  ),
} as const;

const DATA = {
  device_not_found: cause(
    'No device with this address or these EUIs is registered.',
    'Register the device, or compare its DevEUI, JoinEUI or DevAddr with the registration.',
  ),
  foreign_net_id: cause(
    'The DevAddr belongs to another network.',
    'Nothing to do if it is the device of a neighbour. Your own device has to be registered and to join.',
  ),
  mic_mismatch: cause(
    'The integrity code of the frame matches no registered key.',
    'Compare the key of the device with the one registered here. If somebody else uses the same DevAddr, nothing is wrong.',
  ),
  f_cnt_too_low: cause(
    'The frame counter was used before: a repeated, replayed or restarted device.',
    'If the device starts counting at 0 after a reset, let it join again, or allow counter resets for this device.',
  ),
  duplicate_uplink: cause(
    'The device repeated a frame that was already taken.',
    'Devices do that when they miss an acknowledgement, or when they are told to send each frame several times.',
  ),
  f_cnt_gap: cause(
    'The frame counter jumped further than this LoRaWAN version allows (16384).',
    'Let the device join again. For a personalized device, set the last counter of its session (last_f_cnt_up).',
  ),
  mac_commands_twice: cause(
    'The frame carries MAC commands in FOpts and on FPort 0 at once, which LoRaWAN forbids.',
    'This is a fault of the firmware: commands belong into one of the two places.',
  ),
  data_rate_not_found: cause(
    'The band of the device does not have this data rate.',
    'Compare the frequency plan and the regional parameters version of the device with its firmware.',
  ),
  uplink_channel_not_found: cause(
    'The device is not supposed to use this frequency.',
    'Compare the frequency plan of the device with its firmware.',
  ),
  uplink_too_long: cause(
    'The frame is longer than its data rate allows.',
    'Send less at once, or at a higher data rate.',
  ),
  device_configuration: cause(
    'The registration of the device does not fit together.',
    'Check its frequency plan, LoRaWAN version and regional parameters version.',
  ),
  mac_answer_unexpected: cause(
    'The first frame of a new session answers MAC commands that were never sent.',
    'The device does not forget its old session when it joins. Look for newer firmware.',
  ),
  rekey_missing: cause(
    'The first frame after a join of a LoRaWAN 1.1 device has to confirm the new keys, and this one does not.',
    'Register the device with the LoRaWAN version its firmware has.',
  ),
  formatter_failed: cause(
    'The payload formatter failed, so the payload was not decoded.',
    'The details of the event have its error and line.',
  ),
  application_failed: cause(
    'The application server could not handle the frame.',
    'The log has the details.',
  ),
} as const;

const JOINING = {
  unknown_join_eui: cause(
    'No device may join with this JoinEUI: it is outside the JoinEUIs of this network, or the DevEUI is registered with another one.',
    'Compare the JoinEUI (AppEUI) of the device with that of its registration, and with --join-eui-prefix if the program was started with it.',
  ),
  join_eui_byte_order: cause(
    'The JoinEUI is that of a registered device with its bytes in reverse order.',
    'Reverse the JoinEUI in the firmware of the device or in the registration.',
  ),
  dev_eui_byte_order: cause(
    'The DevEUI is that of a registered device with its bytes in reverse order.',
    'Reverse the DevEUI in the firmware of the device or in the registration.',
  ),
  no_dev_eui: cause('The DevEUI of the join-request is zero.', 'Set a DevEUI in the device.'),
  device_not_otaa: cause(
    'The device is registered for activation by personalization, but asks to join.',
    'Register it as a device that joins (OTAA), or set up ABP in its firmware.',
  ),
  dev_nonce_too_small: cause(
    'The DevNonce is not greater than the last one the device used.',
    'The device forgot its DevNonce. It needs storage that survives a restart; for tests, allow join nonces to be reset.',
  ),
  reuse_dev_nonce: cause(
    'The DevNonce was used before.',
    'Nothing to do if the device tries again with another one. For tests, allow join nonces to be reset.',
  ),
  join_nonce_too_high: cause(
    'All join nonces of this device are used up.',
    'Register the device with a new DevEUI or new root keys.',
  ),
  no_app_key: cause('The registered device has no AppKey.', 'Enter the AppKey of the device.'),
  no_nwk_key: cause(
    'The registered device has no NwkKey.',
    'Enter the NwkKey of the device, or register it with a LoRaWAN version 1.0.x.',
  ),
} as const;

const SENDING = {
  no_downlink_path: cause(
    'No gateway that heard the device can transmit now.',
    'Look at the links: a gateway has to be connected and ready for downlinks.',
  ),
  gateway_not_found: cause(
    'No gateway with the id that the downlink names is registered.',
    'Correct the gateway ids of the downlink, or register the gateway.',
  ),
  downlink_not_allowed: cause(
    'The settings of the gateway forbid downlinks through it.',
    'Change the downlink path constraint of the gateway, or place another gateway near the device.',
  ),
  frequency_plan_mismatch: cause(
    'The gateway is registered for another band than the device.',
    'Compare the frequency plans of gateway and device.',
  ),
  sub_band_not_found: cause(
    'The frequency plan has no limits for this frequency, so nobody may transmit there.',
    'Compare the frequency plans of gateway and device, and the RX2 frequency of the device.',
  ),
  no_clock_sync: cause(
    'The counter of the gateway is not known, and without it no time can be chosen.',
    'It is known as soon as the gateway has heard a frame.',
  ),
  no_absolute_gateway_time: cause(
    'The gateway has no GPS time, and too few of its round trips were measured to do without.',
    'Give the gateway a GPS antenna. Without GPS it takes five acknowledged downlinks within half an hour.',
  ),
  receive_windows_unknown: cause(
    'Neither receive window of the device can be computed from its parameters.',
    'Check the RX1 data rate offset and the RX2 frequency and data rate of the device against its band.',
  ),
  too_late: cause(
    'The frame would have reached the gateway too late for its receive window.',
    'The connection to the gateway is slow. A longer RX1 delay of the device helps.',
  ),
  too_early: cause(
    'The gateway does not accept frames that far ahead.',
    'Shorten the RX1 delay of the device.',
  ),
  too_long: cause(
    'The frame is too long for the data rate of the receive window.',
    'Send less at once, or let the device use a higher data rate.',
  ),
  conflict: cause(
    'The gateway transmits another frame at that time.',
    'Further gateways, or fewer confirmed uplinks, help.',
  ),
  duty_cycle: cause(
    'The gateway used up the share of air time it may use in this sub-band.',
    'Send fewer downlinks, or use fewer confirmed uplinks.',
  ),
  dwell_time: cause(
    'The transmission would be longer than allowed here.',
    'Send less at once, or let the device use a higher data rate.',
  ),
  tx_freq: cause(
    'The gateway cannot transmit at this frequency.',
    'Compare the frequency plans of gateway and device.',
  ),
  tx_power: cause(
    'The gateway cannot transmit with this power.',
    'Check the power table of the gateway and the frequency plan.',
  ),
  collision_packet: cause(
    'The gateway already had another frame for that time.',
    'Look whether another network server uses the gateway too. Further gateways help.',
  ),
  collision_beacon: cause(
    'The gateway transmits a beacon at that time.',
    'Nothing to do if this happens now and then: beacons take little time.',
  ),
  gps_unlocked: cause(
    'The gateway has lost the GPS time it needs for this transmission.',
    'Give its GPS antenna a free view of the sky.',
  ),
  no_acknowledgment: cause(
    'The gateway did not say what became of the frame.',
    'Look at the link: the gateway may have gone away.',
  ),
  unknown: cause(
    'The gateway refused the frame and gave no reason that is known here.',
    'Its own words are in the details of the transmission.',
  ),
  application_downlink_too_long: cause(
    'The downlink is longer than the receive windows of the device allow.',
    'Send less at once, or let the device use a higher data rate.',
  ),
  no_app_s_key: cause(
    'The application session has no AppSKey, so the payload stays encrypted.',
    'Enter the AppSKey of the session, or let the device join again.',
  ),
  max_retries_reached: cause(
    'The device did not acknowledge the downlink in any of its attempts.',
    'Check that the device hears downlinks in its receive windows, and queue the downlink again.',
  ),
  unknown_session: cause(
    'The downlink was encrypted for a session the device has left.',
    'Queue it again.',
  ),
  expired_downlink: cause('The time the downlink was meant for is over.', 'Queue it again.'),
} as const;

/** Causes by code. */
export const CAUSES = { ...RECEIVING, ...DATA, ...JOINING, ...SENDING } as const;
/** A code of the closed list. */
export type CauseCode = keyof typeof CAUSES;

/** One fact a server based its decision on. Never key material. */
export interface EvidenceData {
  /** Snake case, e.g. `full_f_cnt`. */
  readonly name: string;
  readonly value:
    | { readonly case: 'text'; readonly value: string }
    | { readonly case: 'number'; readonly value: number }
    | { readonly case: 'flag'; readonly value: boolean }
    | { readonly case: 'data'; readonly value: Uint8Array };
  readonly unit?: string;
}

/** A fact of whatever type. */
export function fact(
  name: string,
  value: string | number | boolean | Uint8Array,
  unit?: string,
): EvidenceData {
  const typed = ((): EvidenceData['value'] => {
    if (typeof value === 'string') return { case: 'text', value };
    if (typeof value === 'number') return { case: 'number', value };
    if (typeof value === 'boolean') return { case: 'flag', value };
    return { case: 'data', value };
  })();
  return unit === undefined ? { name, value: typed } : { name, value: typed, unit };
}

/** What one server decided; initializes a `gatehouse.v1.Stage`. */
export interface StageData {
  readonly kind: StageNumber;
  readonly outcome: OutcomeNumber;
  readonly cause?: CauseCode;
  readonly evidence: readonly EvidenceData[];
}

/** A decision about a frame; initializes a `gatehouse.v1.Verdict`. */
export interface VerdictData {
  readonly outcome: OutcomeNumber;
  readonly cause: string;
  readonly stages: {
    kind: StageNumber;
    outcome: OutcomeNumber;
    cause: string;
    evidence: EvidenceData[];
  }[];
  readonly text: string;
  readonly suggestion: string;
}

const GOOD_TEXT: Readonly<Record<OutcomeNumber, string>> = {
  [OUTCOME.ACCEPTED]: 'The frame was verified and taken.',
  [OUTCOME.DUPLICATE]: 'The frame was seen before.',
  [OUTCOME.FORWARDED]: 'The frame was handed to another network.',
  [OUTCOME.DROPPED]: 'The frame was not taken.',
  [OUTCOME.NOT_PROCESSED]: 'The frame was not decided.',
  [OUTCOME.SCHEDULED]: 'A gateway took the frame and will transmit it.',
  [OUTCOME.TRANSMITTED]: 'The gateway transmitted the frame.',
  [OUTCOME.FAILED]: 'The frame was not transmitted.',
};

/**
 * The decision as a whole: that of the last network-side stage with a cause, else of the last stage. A problem of the
 * application alone leaves a verified frame accepted.
 */
export function verdictOf(stages: readonly StageData[]): VerdictData {
  const isDecisive = (stage: StageData): boolean => stage.kind !== STAGE.APPLICATION;
  const decisive =
    stages.findLast((stage) => isDecisive(stage) && stage.cause !== undefined) ??
    stages.findLast(isDecisive) ??
    stages.at(-1);
  const outcome = decisive?.outcome ?? OUTCOME.NOT_PROCESSED;
  const cause = decisive?.cause ?? stages.findLast((stage) => stage.cause !== undefined)?.cause;
  const texts = cause === undefined ? { text: GOOD_TEXT[outcome], suggestion: '' } : CAUSES[cause];
  return {
    outcome,
    cause: cause ?? '',
    stages: stages.map((stage) => ({
      kind: stage.kind,
      outcome: stage.outcome,
      cause: stage.cause ?? '',
      evidence: [...stage.evidence],
    })),
    ...texts,
  };
}
