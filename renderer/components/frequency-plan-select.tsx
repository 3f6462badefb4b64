import { Select } from '@mantine/core';
import { useEffect } from 'react';
import { useApi } from '../client/api-context.ts';
import { useLoad } from '../state/use-load.ts';

interface FrequencyPlanSelectProps {
  readonly value: string;
  readonly error?: string | undefined;
  readonly description?: string;
  /** Takes what was chosen last time if nothing is chosen yet. */
  readonly preselect?: boolean;
  readonly clearable?: boolean;
  onChange(id: string): void;
}

const REMEMBERED = 'gatehouse.frequency-plan';

/** The plans this program knows, found by typing any part of name or id. */
export function FrequencyPlanSelect(props: FrequencyPlanSelectProps) {
  const api = useApi();
  const plans = useLoad('frequency-plans', (signal) =>
    api.configuration.listFrequencyPlans({}, { signal }),
  );
  const known = plans.data?.frequencyPlans ?? [];
  const { value, preselect, onChange } = props;
  useEffect(() => {
    const remembered = localStorage.getItem(REMEMBERED);
    if (preselect === true && value === '' && known.some(({ id }) => id === remembered)) {
      onChange(remembered ?? '');
    }
  }, [plans.data]);
  return (
    <Select
      label="Frequency plan"
      placeholder={plans.loading ? 'Loading…' : 'Choose a region and plan'}
      description={props.description}
      searchable
      clearable={props.clearable ?? false}
      clearButtonProps={{ 'aria-label': 'Clear the frequency plan' }}
      allowDeselect={false}
      nothingFoundMessage="No plan with these words"
      maxDropdownHeight={260}
      value={props.value === '' ? null : props.value}
      error={props.error ?? plans.problem?.text}
      onChange={(id) => {
        if (id !== null) localStorage.setItem(REMEMBERED, id);
        props.onChange(id ?? '');
      }}
      data={known.map(({ id, name }) => ({ value: id, label: `${name} · ${id}` }))}
      data-testid="frequency-plan"
    />
  );
}
