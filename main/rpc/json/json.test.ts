import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import {
  EndDeviceSchema,
  GetEndDeviceRequestSchema,
  SetEndDeviceRequestSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EventSchema } from '../../api/gen/ttn/lorawan/v3/events_pb.js';
import {
  ApplicationUplinkSchema,
  ApplicationUpSchema,
  file_ttn_lorawan_v3_messages,
} from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { JsonMismatch, jsonToMessage } from './json-to-message.ts';
import { messageToJson } from './message-to-json.ts';
import { applyQuery } from './query-to-message.ts';
import { durationText, parseDuration, parseTimestamp, timestampText } from './time-text.ts';

const context = { registry: createRegistry(file_ttn_lorawan_v3_messages) };
const roundTrip = (desc: DescMessage, json: JsonValue): JsonValue =>
  messageToJson(desc, jsonToMessage(desc, json, context), context);

test('a device is written as it was read, in snake case and upper-case hex', () => {
  const device = {
    ids: {
      device_id: 'door-7',
      application_ids: { application_id: 'shop' },
      dev_eui: '0004A30B001C0530',
      join_eui: '0000000000000001',
    },
    lorawan_version: 'MAC_V1_0_3',
    lorawan_phy_version: 'PHY_V1_0_3_REV_A',
    frequency_plan_id: 'EU_863_870',
    supports_join: true,
    root_keys: { app_key: { key: '8AFE71A145B253E49C3031AD068277A1' } },
    mac_settings: {
      rx1_delay: 5,
      rx2_frequency: '869525000',
      rx2_data_rate_index: 3,
      supports_32_bit_f_cnt: true,
      desired_max_duty_cycle: 'DUTY_CYCLE_128',
      adr: { dynamic: { margin: 15 } },
    },
  };
  expect(roundTrip(EndDeviceSchema, device)).toEqual(device);
});

test.each([['MAC_V1_0_3'], ['V1_0_3'], ['1.0.3'], [5], ['5']])(
  'LoRaWAN 1.0.3 may be written %j',
  (lorawanVersion) => {
    expect(roundTrip(EndDeviceSchema, { lorawanVersion })).toEqual({
      lorawan_version: 'MAC_V1_0_3',
    });
  },
);

test('wrappers that are present and zero are written, absent ones are not', () => {
  const json = { mac_settings: { supports_32_bit_f_cnt: false, rx1_delay: 0 } };
  expect(roundTrip(EndDeviceSchema, json)).toEqual(json);
  expect(roundTrip(EndDeviceSchema, { mac_settings: {} })).toEqual({ mac_settings: {} });
});

test('the object form of an own wrapper is an error, of a google wrapper it is not', () => {
  expect(() =>
    jsonToMessage(EndDeviceSchema, { mac_settings: { rx1_delay: { value: 5 } } }, context),
  ).toThrow(JsonMismatch);
  expect(
    roundTrip(EndDeviceSchema, { mac_settings: { status_count_periodicity: { value: 7 } } }),
  ).toEqual({ mac_settings: { status_count_periodicity: 7 } });
});

test('an EUI may come as hex of any case or as base64', () => {
  for (const devEui of ['0001020304050607', 'AAECAwQFBgc=', 'AAECAwQFBgc']) {
    expect(roundTrip(EndDeviceSchema, { ids: { devEui } })).toEqual({
      ids: { dev_eui: '0001020304050607' },
    });
  }
});

test('null is unset, unknown fields are ignored', () => {
  expect(roundTrip(EndDeviceSchema, { name: null, nonsense: 1, description: 'd' })).toEqual({
    description: 'd',
  });
});

test('field masks are read in both forms', () => {
  for (const field_mask of ['name,attributes', { paths: ['name', 'attributes'] }]) {
    expect(roundTrip(GetEndDeviceRequestSchema, { field_mask })).toEqual({
      field_mask: { paths: ['name', 'attributes'] },
    });
  }
});

test('an uplink to an application has base64 payload, text numbers and short floats', () => {
  const up = {
    received_at: '2031-05-04T10:20:30.400500600Z',
    uplink_message: {
      session_key_id: 'AQIDBAUGBwg=',
      f_port: 3,
      f_cnt: 41,
      frm_payload: 'AWcA5g==',
      decoded_payload: { temperature_1: 23 },
      rx_metadata: [{ rssi: -71, snr: 8.2, timestamp: 731002100 }],
      settings: {
        data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } },
        frequency: '868300000',
      },
      consumed_airtime: '0.051456s',
    },
  };
  expect(roundTrip(ApplicationUpSchema, up)).toEqual(up);
});

test('the data of an event names its type first and stands inline', () => {
  const event = {
    name: 'as.up.data.forward',
    data: { '@type': 'type.googleapis.com/ttn.lorawan.v3.ApplicationUp', correlation_ids: ['a'] },
  };
  const written = roundTrip(EventSchema, event);
  expect(written).toEqual(event);
  expect(Object.keys((written as { data: object }).data)[0]).toBe('@type');
});

test('queries take dotted paths, repeated names and base64 bytes, but no hex', () => {
  const request = create(GetEndDeviceRequestSchema);
  const query = new URLSearchParams(
    'end_device_ids.dev_eui=AAECAwQFBgc%3D&field_mask=name,attributes&unknown=1',
  );
  applyQuery(GetEndDeviceRequestSchema, request, query, context);
  expect(messageToJson(GetEndDeviceRequestSchema, request, context)).toEqual({
    end_device_ids: { dev_eui: '0001020304050607' },
    field_mask: { paths: ['name', 'attributes'] },
  });
  const hex = create(GetEndDeviceRequestSchema);
  applyQuery(
    GetEndDeviceRequestSchema,
    hex,
    new URLSearchParams('end_device_ids.dev_eui=0001020304050607'),
    context,
  );
  expect(hex.endDeviceIds?.devEui).toHaveLength(12);
});

test.each([
  ['a list for an object', { end_device: [] }],
  ['text for a number', { end_device: { mac_settings: { rx1_delay: 'soon' } } }],
  ['bad base64', { end_device: { session: { keys: { session_key_id: '*' } } } }],
  ['an EUI of wrong size', { end_device: { ids: { dev_eui: '00' } } }],
  ['a number out of range', { end_device: { session: { last_f_cnt_up: -1 } } }],
])('%s is refused with its path', (_, json) => {
  expect(() => jsonToMessage(SetEndDeviceRequestSchema, json, context)).toThrow(/end_device/);
});

test('times have 0, 3, 6 or 9 digits', () => {
  expect(timestampText(1_714_979_289n, 120_000_000)).toBe('2024-05-06T07:08:09.120Z');
  expect(parseTimestamp('2024-05-06T09:08:09.12+02:00')).toEqual({
    seconds: 1_714_979_289n,
    nanos: 120_000_000,
  });
  expect(parseTimestamp('yesterday')).toBeUndefined();
});

test('durations are read in Go syntax too', () => {
  expect(durationText(1n, 500_000_000)).toBe('1.500s');
  expect(parseDuration('1h2m')).toEqual({ seconds: 3_720n, nanos: 0 });
  expect(parseDuration('300ms')).toEqual({ seconds: 0n, nanos: 300_000_000 });
  expect(parseDuration('-1.5s')).toEqual({ seconds: -1n, nanos: -500_000_000 });
  expect(parseDuration('soon')).toBeUndefined();
});

test('structs are plain objects, alone and in lists', () => {
  const json = {
    frm_payload: 'AQ==',
    decoded_payload: { a: [1, null, { b: 'c' }] },
    normalized_payload: [{ air: { temperature: 21.5 } }, {}],
  };
  const message = jsonToMessage(ApplicationUplinkSchema, json, context);
  expect(message).toMatchObject({ normalizedPayload: [{ air: { temperature: 21.5 } }, {}] });
  const overTheWire = fromBinary(
    ApplicationUplinkSchema,
    toBinary(ApplicationUplinkSchema, message as never),
  );
  expect(messageToJson(ApplicationUplinkSchema, overTheWire, context)).toEqual(json);
});

test('a wrapper in an Any is read and written by its value', () => {
  const withWrappers = { registry: createRegistry(StringValueSchema) };
  const event = {
    name: 'test',
    data: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'text' },
  };
  const message = jsonToMessage(EventSchema, event, withWrappers);
  expect(messageToJson(EventSchema, message, withWrappers)).toEqual(event);
});
