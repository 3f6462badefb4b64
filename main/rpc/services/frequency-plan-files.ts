import { create } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  FrequencyPlanFileSchema,
  FrequencyPlans,
  ListFrequencyPlanFilesResponseSchema,
} from '../../api/gen/gatehouse/v1/frequency_plans_pb.js';
import { type Served, serve } from '../router.ts';

interface PlanFile {
  readonly name: string;
  readonly planIds: readonly string[];
  readonly problems: readonly {
    readonly code: string;
    readonly field: string;
    readonly line: number | undefined;
    readonly text: string;
  }[];
}

/** Files with frequency plans as the API handles them. */
export interface PlanFilePort {
  readonly directory: string;
  list(): readonly PlanFile[];
  import(name: string, text: string): Promise<PlanFile>;
  delete(name: string): Promise<void>;
}

const fileMessage = ({ name, planIds, problems }: PlanFile) =>
  create(FrequencyPlanFileSchema, {
    name,
    planIds: [...planIds],
    problems: problems.map(({ line = 0, ...rest }) => ({ ...rest, line })),
  });

/** Frequency plans of the user. */
export function frequencyPlanService(files: PlanFilePort): Served {
  return serve(FrequencyPlans, {
    list: () =>
      create(ListFrequencyPlanFilesResponseSchema, {
        files: files.list().map(fileMessage),
        directory: files.directory,
      }),
    import: async ({ name, content }) => fileMessage(await files.import(name, content)),
    async delete({ name }) {
      await files.delete(name);
      return create(EmptySchema);
    },
  });
}
