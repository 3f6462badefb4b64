import type { Pty } from './pty.ts';

/** Radio settings as the modem understood them. */
export interface EmulatedRadioConfig {
  readonly frequencyHz: number;
  readonly spreadingFactor: number;
  readonly bandwidthKhz: number;
  readonly preamble: number;
  readonly powerDbm: number;
  readonly crc: boolean;
  readonly iqInverted: boolean;
  readonly publicNetwork: boolean;
}

/** A frame the modem sent. */
export interface EmulatedTransmission {
  readonly phyPayloadHex: string;
  readonly radio: EmulatedRadioConfig;
  /** Monotonic time (`performance.now()`) at which the modem had accepted `radio`. */
  readonly configuredAtMs: number;
  /** Monotonic time at which the command's bytes came out of the port, before the time its line takes. */
  readonly commandedAtMs: number;
  /** Monotonic time at which the frame began on air. */
  readonly startedAtMs: number;
}

export interface LoraE5EmulatorOptions {
  /** Firmware 4.0.11 or an older one with its own wording and stricter rules. */
  readonly firmware?: 'new' | 'old';
  /** Speed of the emulated UART: lines take as long as they would over it. */
  readonly baudRate?: number;
  /** Between the end of a command and the begin of its frame on air. */
  readonly transmitDelayMs?: number;
  /** How long each frame is on air. */
  readonly airTimeMs?: number;
  /** Lowest and highest frequency it accepts. */
  readonly frequencyRangeHz?: readonly [number, number];
}

export interface LoraE5Emulator {
  /** Lets a frame of an end device end on air now; false when the modem does not listen, or with inverted IQ. */
  hear(phyPayload: Uint8Array, quality: { readonly rssi: number; readonly snr: number }): boolean;
  /** Prints a line as it is. */
  say(line: string): void;
  /** Answers each line with something else until told otherwise; undefined: as it should. */
  setMood(mood: ((line: string) => string | undefined) | undefined): void;
  readonly commands: readonly string[];
  readonly transmissions: readonly EmulatedTransmission[];
  readonly radio: EmulatedRadioConfig | undefined;
  readonly receiving: boolean;
  /** Resolves when the modem listens. */
  listening(): Promise<void>;
  /** Resolves with the frame number `count` (from 1) once it has left. */
  transmitted(count: number): Promise<EmulatedTransmission>;
}

const RFCFG =
  /^RFCFG, ?([\d.]+), ?SF(\d+), ?(\d+), ?(\d+), ?(\d+), ?(-?\d+), ?(ON|OFF), ?(ON|OFF), ?(ON|OFF)$/;

function parseRadioConfig(text: string): EmulatedRadioConfig | undefined {
  const match = RFCFG.exec(text);
  if (!match) return undefined;
  const frequency = Number(match[1]);
  return {
    frequencyHz: frequency < 10_000 ? Math.round(frequency * 1_000_000) : frequency,
    spreadingFactor: Number(match[2]),
    bandwidthKhz: Number(match[3]),
    preamble: Number(match[4]),
    powerDbm: Number(match[6]),
    crc: match[7] === 'ON',
    iqInverted: match[8] === 'ON',
    publicNetwork: match[9] === 'ON',
  };
}

function onOff(on: boolean): string {
  return on ? 'ON' : 'OFF';
}

function describeRadio(radio: EmulatedRadioConfig, old: boolean): string {
  return [
    `+TEST: RFCFG F:${radio.frequencyHz}`,
    `SF${radio.spreadingFactor}`,
    `BW${radio.bandwidthKhz}${old ? 'KHz' : 'K'}`,
    `TXPR:${radio.preamble}`,
    'RXPR:8',
    `POW:${radio.powerDbm}dBm`,
    `CRC:${onOff(radio.crc)}`,
    `IQ:${onOff(radio.iqInverted)}`,
    `${old ? 'PNET' : 'NET'}:${onOff(radio.publicNetwork)}`,
  ].join(', ');
}

/** Promises that are looked at again whenever something happened. */
function createWaiters() {
  const waiters = new Set<() => void>();
  return {
    changed(): void {
      for (const look of [...waiters]) look();
    },
    until<T>(what: string, find: () => T | undefined): Promise<T> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(look);
          reject(new Error(`The emulated modem did not get to ${what}.`));
        }, 10_000);
        const look = (): void => {
          const found = find();
          if (found === undefined) return;
          clearTimeout(timer);
          waiters.delete(look);
          resolve(found);
        };
        waiters.add(look);
        look();
      });
    },
  };
}

/** Lines that leave one after the other, each when its last character would have passed the UART. */
function createPacedOutput(pty: Pty, lineMs: (line: string) => number) {
  let freeAtMs = 0;
  return (line: string): void => {
    freeAtMs = Math.max(freeAtMs, performance.now()) + lineMs(line);
    setTimeout(() => pty.write(`${line}\r\n`), freeAtMs - performance.now());
  };
}

/** A LoRa-E5 with its AT firmware in test mode, on the far end of a pseudo terminal. */
export function createLoraE5Emulator(
  pty: Pty,
  options: LoraE5EmulatorOptions = {},
): LoraE5Emulator {
  const {
    firmware = 'new',
    baudRate = 115_200,
    transmitDelayMs = 3,
    airTimeMs = 20,
    frequencyRangeHz = [863_000_000, 928_000_000],
  } = options;
  const old = firmware === 'old';
  const lineMs = (line: string): number => ((line.length + 2) * 10_000) / baudRate;
  const say = createPacedOutput(pty, lineMs);
  const waiters = createWaiters();
  const commands: string[] = [];
  const transmissions: EmulatedTransmission[] = [];
  let radio: EmulatedRadioConfig | undefined;
  let configuredAtMs = 0;
  let testMode = false;
  let receiving = false;
  let mood: ((line: string) => string | undefined) | undefined;

  const setRadio = (text: string): void => {
    const wanted = parseRadioConfig(text);
    const [lowest, highest] = frequencyRangeHz;
    if (receiving && old) say('+TEST: ERROR(-12)');
    else if (!wanted || wanted.frequencyHz < lowest || wanted.frequencyHz > highest) {
      say('+TEST: ERROR(-1)');
    } else {
      radio = wanted;
      configuredAtMs = performance.now();
      say(describeRadio(wanted, old));
    }
  };
  const transmit = (text: string, commandedAtMs: number, endedAtMs: number): void => {
    const hex = /^TXLRPKT, ?"([0-9A-Fa-f]+)"$/.exec(text)?.[1];
    if (!hex || !radio) {
      say('+TEST: ERROR(-1)');
      return;
    }
    receiving = false;
    const startedAtMs = endedAtMs + transmitDelayMs;
    const phyPayloadHex = hex.toUpperCase();
    transmissions.push({ phyPayloadHex, radio, configuredAtMs, commandedAtMs, startedAtMs });
    say(`+TEST: TXLRPKT "${hex}"`);
    setTimeout(
      () => {
        say('+TEST: TX DONE');
        waiters.changed();
      },
      startedAtMs + airTimeMs - performance.now(),
    );
  };
  const test = (text: string, arrivedMs: number, endedAtMs: number): void => {
    if (!testMode) say('+TEST: ERROR(-12)');
    else if (text.startsWith('RFCFG')) setRadio(text);
    else if (text.startsWith('TXLRPKT')) transmit(text, arrivedMs, endedAtMs);
    else if (text === 'RXLRPKT') {
      receiving = true;
      say('+TEST: RXLRPKT');
    } else if (text === 'STOP') {
      receiving = false;
      say('+TEST: STOP');
    } else say('+TEST: ERROR(-11)');
  };
  const obey = (line: string, arrivedMs: number, endedAtMs: number): void => {
    commands.push(line);
    const answer = mood?.(line);
    if (answer !== undefined) {
      if (answer !== '') say(answer);
      return;
    }
    if (line === 'AT') say('+AT: OK');
    else if (line === 'AT+VER') say(`+VER: ${old ? '2.1.15' : '4.0.11'}`);
    else if (line === 'AT+MODE=TEST') {
      testMode = true;
      say('+MODE: TEST');
    } else if (line.startsWith('AT+TEST=')) {
      test(line.slice(8), arrivedMs, endedAtMs);
    } else say('+AT: ERROR(-10)');
    waiters.changed();
  };

  let input = '';
  let inputFreeAtMs = 0;
  pty.onData((bytes) => {
    const arrivedMs = performance.now();
    input += bytes.toString('latin1');
    for (let end = input.indexOf('\n'); end >= 0; end = input.indexOf('\n')) {
      const line = input.slice(0, end).trim();
      input = input.slice(end + 1);
      if (line === '') continue;
      // Over a UART the line would be complete only after its own time.
      const endedAtMs = Math.max(inputFreeAtMs, arrivedMs) + lineMs(line);
      inputFreeAtMs = endedAtMs;
      setTimeout(() => obey(line, arrivedMs, endedAtMs), endedAtMs - performance.now());
    }
  });

  return {
    hear(phyPayload, { rssi, snr }) {
      if (!receiving || radio?.iqInverted !== false) return false;
      say(`+TEST: LEN:${phyPayload.length}, RSSI:${rssi}, SNR:${snr}`);
      say(`+TEST: RX "${Buffer.from(phyPayload).toString('hex').toUpperCase()}"`);
      return true;
    },
    say,
    setMood(next) {
      mood = next;
    },
    commands,
    transmissions,
    get radio() {
      return radio;
    },
    get receiving() {
      return receiving;
    },
    async listening() {
      await waiters.until('listening', () => receiving || undefined);
    },
    transmitted: (count) => waiters.until(`transmission ${count}`, () => transmissions[count - 1]),
  };
}
