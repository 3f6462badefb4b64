import { Code, ConnectError } from '@connectrpc/connect';
import { useEffect, useRef, useState } from 'react';
import type { MACVersion, PHYVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { useAction } from '../../state/use-action.ts';
import { CannotSplit, partsOfFile } from './file-parts.ts';
import {
  addStep,
  CSV_FORMAT,
  formatOfFile,
  type ImportResult,
  newResult,
  startPart,
} from './import-result.ts';

export interface ImportForm {
  readonly applicationId: string;
  readonly file: File | null;
  /** For devices of which the file says nothing; empty or 0 if there is none. */
  readonly frequencyPlanId: string;
  readonly macVersion: MACVersion;
  readonly phyVersion: PHYVersion;
}

export interface Import {
  readonly busy: boolean;
  readonly result: ImportResult | undefined;
  readonly problem: Problem | undefined;
  run(form: ImportForm, dryRun: boolean): void;
  stop(): void;
  clear(): void;
}

const refused = (text: string): ConnectError => new ConnectError(text, Code.InvalidArgument);

function formatOf(file: File): string {
  const formatId = formatOfFile(file.name);
  if (formatId === undefined) throw refused('The name of the file has to end in .csv or .json.');
  return formatId;
}

/** Runs imports and trials of them, one at a time. Leaving the page stops it behind the rows that were told of. */
export function useImport(): Import {
  const api = useApi();
  const [result, setResult] = useState<ImportResult>();
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const action = useAction(async ({ file, ...form }: ImportForm, dryRun: boolean) => {
    if (file === null) return;
    const formatId = formatOf(file);
    const current = new AbortController();
    control.current = current;
    const { frequencyPlanId, macVersion, phyVersion } = form;
    const request = {
      applicationIds: { applicationId: form.applicationId },
      formatId,
      dryRun,
      defaults: { frequencyPlanId, lorawanVersion: macVersion, lorawanPhyVersion: phyVersion },
    };
    let latest = newResult(dryRun);
    setResult(latest);
    try {
      for await (const part of partsOfFile(file, formatId === CSV_FORMAT)) {
        latest = startPart(latest);
        const call = { ...request, data: part.data };
        for await (const step of api.deviceFiles.import(call, { signal: current.signal })) {
          latest = addStep(latest, step, part);
          setResult(latest);
        }
      }
    } catch (error) {
      if (error instanceof CannotSplit) throw refused(error.message);
      if (!current.signal.aborted) throw error;
    } finally {
      setResult({ ...latest, done: true });
    }
  });
  return {
    busy: action.busy,
    result,
    problem: action.problem,
    run: (form, dryRun) => void action.run(form, dryRun),
    stop: () => control.current?.abort(),
    clear() {
      action.clear();
      setResult(undefined);
    },
  };
}
