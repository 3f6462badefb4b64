import { type Random, randomBelow } from './seeded-random.ts';

/** What a simulated device measures. */
export type PayloadKind = 'temperature' | 'counter' | 'door';

/** Makes the application payload of the next uplink. */
export type PayloadProducer = () => Uint8Array;

export const PAYLOAD_KINDS: readonly PayloadKind[] = ['temperature', 'counter', 'door'];

const LPP_DIGITAL_INPUT = 0x00;
const LPP_ANALOG_INPUT = 0x02;
const LPP_TEMPERATURE = 0x67;
const LPP_HUMIDITY = 0x68;

/** A value that wanders slowly between two limits. */
function wandering(random: Random, start: number, low: number, high: number, step: number) {
  let value = start;
  return (): number => {
    value = Math.min(high, Math.max(low, value + (random() - 0.5) * 2 * step));
    return value;
  };
}

function int16(value: number): readonly [number, number] {
  const rounded = Math.round(value);
  return [(rounded >> 8) & 0xff, rounded & 0xff];
}

/** Cayenne LPP: channel 1 temperature in 0.1 °C, channel 2 relative humidity in 0.5 %. */
function temperatureProducer(random: Random): PayloadProducer {
  const celsius = wandering(random, 18 + random() * 6, -10, 40, 0.3);
  const humidity = wandering(random, 40 + random() * 20, 10, 95, 1);
  return () =>
    Uint8Array.of(
      1,
      LPP_TEMPERATURE,
      ...int16(celsius() * 10),
      2,
      LPP_HUMIDITY,
      Math.round(humidity() * 2),
    );
}

/** Number of the uplink, four bytes, most significant first. */
function counterProducer(): PayloadProducer {
  let count = 0;
  return () => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, count);
    count = (count + 1) >>> 0;
    return bytes;
  };
}

/** Cayenne LPP: channel 1 open (1) or closed (0), channel 2 battery in 0.01 V. */
function doorProducer(random: Random): PayloadProducer {
  let open = 0;
  let volts = 3.6;
  return () => {
    if (randomBelow(random, 2) === 1) open = 1 - open;
    volts = Math.max(2.2, volts - 0.0005);
    return Uint8Array.of(1, LPP_DIGITAL_INPUT, open, 2, LPP_ANALOG_INPUT, ...int16(volts * 100));
  };
}

/** The payload source of a device: one of the kinds, or the caller's own. */
export function payloadProducer(
  kind: PayloadKind | PayloadProducer,
  random: Random,
): PayloadProducer {
  if (typeof kind === 'function') return kind;
  switch (kind) {
    case 'temperature':
      return temperatureProducer(random);
    case 'counter':
      return counterProducer();
    case 'door':
      return doorProducer(random);
  }
}
