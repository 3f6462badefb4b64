/** Families of devices that can be behind a USB id. */
export type ConcentratorFamily =
  | 'corecell'
  | 'lora_e5'
  | 'rn2483'
  | 'rui3'
  | 'bootloader'
  | 'other_board';

/** What a USB id says about the device behind it. */
export interface Fingerprint {
  /** `VID:PID`, upper-case hex; `VID:*` for all products of a vendor. */
  readonly usbId: string;
  readonly chip: string;
  /** Boards known with this id. */
  readonly boards: readonly string[];
  /** Families worth a probe, most likely first. */
  readonly families: readonly ConcentratorFamily[];
  /** How likely it is a LoRa device that this program can use, 0 (not at all) to 10 (surely). */
  readonly score: number;
  /** Many unrelated devices share the id, so it proves nothing. */
  readonly conflictProne: boolean;
  /** What to tell a user who expects this device to work. */
  readonly note?: string;
}

export const FINGERPRINTS: readonly Fingerprint[] = [
  {
    usbId: '0483:5740',
    chip: 'STM32 virtual COM port',
    boards: ['SX1302/SX1303 USB concentrator', 'PicoCell (SX1308)', 'RisingHF RHF3M076'],
    families: ['corecell', 'lora_e5'],
    score: 7,
    conflictProne: true,
  },
  {
    usbId: '0483:DF11',
    chip: 'STM32 bootloader',
    boards: ['any STM32 board'],
    families: ['bootloader'],
    score: 1,
    conflictProne: true,
    note: 'The device is in its bootloader. Unplug it and plug it in again without holding a button.',
  },
  {
    usbId: '10C4:EA60',
    chip: 'CP210x',
    boards: ['LoRa-E5 mini', 'LoRa-E5 dev kit', 'Dragino LA66 USB', 'Heltec', 'LilyGO'],
    families: ['lora_e5', 'other_board'],
    score: 6,
    conflictProne: true,
  },
  {
    usbId: '1A86:7523',
    chip: 'CH340',
    boards: ['LoStik', 'RAK3172 evaluation board', 'ESP boards'],
    families: ['rn2483', 'rui3', 'lora_e5', 'other_board'],
    score: 5,
    conflictProne: true,
  },
  {
    usbId: '1A86:55D3',
    chip: 'CH343',
    boards: ['newer RAK boards', 'ESP boards'],
    families: ['rui3', 'other_board'],
    score: 4,
    conflictProne: true,
  },
  {
    usbId: '1A86:55D4',
    chip: 'CH9102',
    boards: ['newer RAK boards', 'LilyGO'],
    families: ['rui3', 'other_board'],
    score: 4,
    conflictProne: true,
  },
  {
    usbId: '0403:6001',
    chip: 'FT232R',
    boards: ['self-built sticks', 'RN2483 breakouts'],
    families: ['rn2483', 'lora_e5', 'other_board'],
    score: 4,
    conflictProne: true,
    note: 'FTDI chips collect data for 16 ms by default; set their latency timer to 1 ms.',
  },
  {
    usbId: '0403:6015',
    chip: 'FTDI FT-X',
    boards: ['self-built sticks', 'RN2483 breakouts'],
    families: ['rn2483', 'lora_e5', 'other_board'],
    score: 4,
    conflictProne: true,
    note: 'FTDI chips collect data for 16 ms by default; set their latency timer to 1 ms.',
  },
  {
    usbId: '067B:2303',
    chip: 'PL2303',
    boards: ['self-built sticks'],
    families: ['lora_e5', 'rn2483', 'other_board'],
    score: 3,
    conflictProne: true,
  },
  {
    usbId: '04D8:000A',
    chip: 'Microchip CDC',
    boards: ['RN2483 PICtail', 'LoRa Mote'],
    families: ['rn2483'],
    score: 6,
    conflictProne: true,
  },
  {
    usbId: '04D8:00DD',
    chip: 'MCP2221',
    boards: ['RN2483 PICtail', 'LoRa Mote'],
    families: ['rn2483'],
    score: 5,
    conflictProne: true,
  },
  {
    usbId: '04D8:00DF',
    chip: 'MCP2200',
    boards: ['RN2483 PICtail', 'LoRa Mote'],
    families: ['rn2483'],
    score: 5,
    conflictProne: true,
  },
  {
    usbId: '239A:8029',
    chip: 'nRF52 CDC',
    boards: ['RAK4631', 'RAK WisBlock'],
    families: ['rui3', 'other_board'],
    score: 4,
    conflictProne: true,
  },
  {
    usbId: '239A:0029',
    chip: 'nRF52 bootloader',
    boards: ['RAK4631'],
    families: ['bootloader'],
    score: 1,
    conflictProne: true,
    note: 'The device is in its bootloader. Press reset once to start its firmware.',
  },
  {
    usbId: '2886:*',
    chip: 'Seeed',
    boards: ['XIAO kits'],
    families: ['lora_e5', 'other_board'],
    score: 3,
    conflictProne: true,
  },
  {
    usbId: '303A:1001',
    chip: 'Espressif USB-JTAG',
    boards: ['ESP32-S3 and ESP32-C3 boards'],
    families: ['other_board'],
    score: 0,
    conflictProne: true,
    note: 'This board is no modem. A single-channel forwarder on it can send to the UDP listener.',
  },
];
