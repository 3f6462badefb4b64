import { Code, ConnectError } from '@connectrpc/connect';
import { useEffect, useRef, useState } from 'react';
import type { MACVersion, PHYVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { useApi } from '../../client/api-context.ts';
import type { Problem } from '../../client/problem.ts';
import { useAction } from '../../state/use-action.ts';
import { addStep, formatOfFile, type ImportResult, newResult } from './import-result.ts';

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

/** The server takes no larger message. */
const MOST_BYTES = 16 * 1024 * 1024 - 4_096;

const refused = (text: string): ConnectError => new ConnectError(text, Code.InvalidArgument);

async function readFile(file: File): Promise<{ formatId: string; data: Uint8Array<ArrayBuffer> }> {
  const formatId = formatOfFile(file.name);
  if (formatId === undefined) throw refused('The name of the file has to end in .csv or .json.');
  if (file.size > MOST_BYTES)
    throw refused('The file is larger than 16 MB. Split it into several.');
  return { formatId, data: new Uint8Array(await file.arrayBuffer()) };
}

/** Runs imports and trials of them, one at a time. Leaving the page stops it behind the rows that were told of. */
export function useImport(): Import {
  const api = useApi();
  const [result, setResult] = useState<ImportResult>();
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const action = useAction(async ({ file, ...form }: ImportForm, dryRun: boolean) => {
    if (file === null) return;
    const { formatId, data } = await readFile(file);
    const current = new AbortController();
    control.current = current;
    const { frequencyPlanId, macVersion, phyVersion } = form;
    const request = {
      applicationIds: { applicationId: form.applicationId },
      formatId,
      data,
      dryRun,
      defaults: { frequencyPlanId, lorawanVersion: macVersion, lorawanPhyVersion: phyVersion },
    };
    let latest = newResult(dryRun);
    setResult(latest);
    try {
      for await (const step of api.deviceFiles.import(request, { signal: current.signal })) {
        latest = addStep(latest, step);
        setResult(latest);
      }
      latest = { ...latest, progress: 1 };
    } catch (error) {
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
