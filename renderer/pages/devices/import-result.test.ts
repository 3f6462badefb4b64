import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  ImportDevicesResponseSchema,
  ImportOutcome,
} from '../../../main/api/gen/gatehouse/v1/device_files_pb.js';
import {
  addStep,
  formatOfFile,
  MOST_SHOWN,
  newResult,
  resultText,
  startPart,
} from './import-result.ts';

const rows = (count: number, outcome: ImportOutcome) =>
  Array.from({ length: count }, (_, at) => ({ line: at + 2, outcome }));

it('counts, keeps the first rows and puts problems aside', () => {
  let result = newResult(false);
  expect(resultText(result)).toBe('0 devices registered so far…');
  const step = create(ImportDevicesResponseSchema, {
    rows: [...rows(2, ImportOutcome.CREATED), ...rows(3, ImportOutcome.FAILED)],
    linesRead: 5,
    linesTotal: 20,
    created: 2,
    failed: 3,
  });
  result = addStep(result, step);
  expect(result).toMatchObject({ progress: 0.25, created: 2, failed: 3 });
  expect([result.rows.length, result.problems.length]).toEqual([5, 3]);
  for (let at = 0; at < MOST_SHOWN; at += 1) result = addStep(result, step);
  expect([result.rows.length, result.problems.length]).toEqual([MOST_SHOWN, MOST_SHOWN]);
});

it('adds up the pieces of a large file', () => {
  const step = create(ImportDevicesResponseSchema, {
    rows: rows(1, ImportOutcome.FAILED),
    linesRead: 2,
    linesTotal: 4,
    created: 5,
    failed: 1,
  });
  const part = { lineOffset: 100, from: 0.5, to: 1 };
  const result = addStep(startPart(addStep(newResult(false), step)), step, part);
  expect(result).toMatchObject({ created: 10, failed: 2, progress: 0.75 });
  expect(result.problems.map(({ line }) => line)).toEqual([2, 102]);
});

it('says what became of a file', () => {
  const counts = { done: true, created: 1_200, existing: 1, failed: 2 };
  expect(resultText({ ...newResult(false), ...counts })).toBe(
    '1,200 devices registered, 1 there already, 2 with a problem.',
  );
  expect(resultText({ ...newResult(true), done: true, created: 1 })).toBe(
    '1 device can be registered.',
  );
});

it('knows a format by the name of the file', () => {
  expect(formatOfFile('my devices.CSV')).toBe('the-things-stack-csv');
  expect(formatOfFile('export.json')).toBe('the-things-stack');
  expect(formatOfFile('devices')).toBeUndefined();
});
