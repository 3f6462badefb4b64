import { createRegistry, type JsonValue } from '@bufbuild/protobuf';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { JsonMismatch, jsonToMessage } from '../json/json-to-message.ts';
import { jsonDevice, jsonToken } from './errors.ts';
import { setPaths } from './set-paths.ts';
import type { TemplateRow } from './template-row.ts';

/** Devices hold no `google.protobuf.Any`. */
const CONTEXT = { registry: createRegistry() };
/** Belongs to the session, which has it too. */
const NOT_GIVEN = 'ids.dev_addr';

interface ObjectText {
  readonly text: string;
  readonly line: number;
}

const fault = (number: number, line: number, problem: string): Error =>
  jsonToken({}, { cause: jsonDevice({ number, line, problem }) });

/** End of the object that begins at `start`, behind its brace; -1 if it has none. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b) depth += 1;
    else if (code === 0x7d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** The objects of a text: one after another, or an array of them. */
function* objectsOf(text: string): Generator<ObjectText> {
  let at = 0;
  let line = 1;
  let number = 0;
  const moveTo = (end: number): void => {
    for (
      let next = text.indexOf('\n', at);
      next >= 0 && next < end;
      next = text.indexOf('\n', at)
    ) {
      line += 1;
      at = next + 1;
    }
    at = end;
  };
  const skipSpace = (): string => {
    const rest = /[^ \t\r\n]/g;
    rest.lastIndex = at;
    moveTo(rest.exec(text)?.index ?? text.length);
    return text[at] ?? '';
  };
  const isArray = skipSpace() === '[';
  if (isArray) at += 1;
  for (;;) {
    let next = skipSpace();
    if (isArray && next === ',' && number > 0) {
      at += 1;
      next = skipSpace();
    } else if (isArray && next === ']') {
      at += 1;
      if (skipSpace() !== '') throw fault(number + 1, line, 'there is more behind the list');
      return;
    } else if (isArray && number > 0)
      throw fault(number + 1, line, 'a comma or the end is missing');
    if (!isArray && next === '') return;
    number += 1;
    if (next !== '{') throw fault(number, line, 'an object has to begin here');
    const end = endOfObject(text, at);
    if (end < 0) throw fault(number, line, 'the object has no end');
    const object = { text: text.slice(at, end), line };
    moveTo(end);
    yield object;
  }
}

function readObject({ text, line }: ObjectText, number: number): TemplateRow {
  const failed = (problem: string): TemplateRow => ({
    line,
    error: jsonToken({}, { cause: jsonDevice({ number, line, problem }) }),
  });
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    // What the engine says would repeat a part of the text, which may hold keys.
    return failed('it is not valid JSON');
  }
  try {
    const device = jsonToMessage(EndDeviceSchema, json, CONTEXT);
    const paths = setPaths(EndDeviceSchema, device).filter((path) => path !== NOT_GIVEN);
    return { line, device: device as never, paths };
  } catch (error) {
    if (error instanceof JsonMismatch) return failed(error.message);
    throw error;
  }
}

/**
 * Reads `EndDevice` messages in the API's JSON, one after another or in an array. A text that goes on in no known way ends
 * the reading with an error; an object that is none of a device is a row with one.
 */
export function* readJson(text: string): Generator<TemplateRow> {
  let number = 0;
  for (const object of objectsOf(text)) {
    number += 1;
    yield readObject(object, number);
  }
}
