import { Select } from '@mantine/core';
import { useEffect } from 'react';
import { useApi } from '../../client/api-context.ts';
import { useLoad } from '../../state/use-load.ts';

interface ApplicationSelectProps {
  readonly value: string;
  readonly error?: string | undefined;
  readonly size?: 'xs' | 'sm';
  readonly hideLabel?: boolean;
  onChange(applicationId: string): void;
}

export function ApplicationSelect(props: ApplicationSelectProps) {
  const api = useApi();
  const applications = useLoad('applications', (signal) =>
    api.applications.list({ fieldMask: { paths: ['name'] }, limit: 1000 }, { signal }),
  );
  const known = applications.data?.applications ?? [];
  const options = known.map(({ ids, name }) => {
    const value = ids?.applicationId ?? '';
    return { value, label: name === '' ? value : `${name} (${value})` };
  });
  const { value, onChange } = props;
  useEffect(() => {
    // One that is gone, such as the demo's, leaves its place to the first there is.
    const first = options[0]?.value;
    if (first !== undefined && options.every((option) => option.value !== value)) onChange(first);
  }, [applications.data, value]);
  const data = options.some(({ value }) => value === props.value)
    ? options
    : [{ value: props.value, label: props.value }, ...options];
  return (
    <Select
      label={props.hideLabel === true ? undefined : 'Application'}
      aria-label="Application"
      size={props.size ?? 'sm'}
      allowDeselect={false}
      value={props.value}
      error={props.error ?? applications.problem?.text}
      onChange={(value) => props.onChange(value ?? props.value)}
      data={data}
    />
  );
}
