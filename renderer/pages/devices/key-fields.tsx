import { Checkbox } from '@mantine/core';
import { IdentifierInput } from '../../components/identifier-input.tsx';
import { randomBytes } from '../../formats/bytes.ts';
import { devAddrInBlock, localEui } from '../../formats/device-id.ts';
import { useWatch } from '../../state/watch-context.ts';
import { isVersion11 } from './device-draft.ts';
import type { DraftFieldsProps } from './device-fields.tsx';

type TextField =
  | 'devEui'
  | 'joinEui'
  | 'devAddr'
  | 'appKey'
  | 'nwkKey'
  | 'nwkSKey'
  | 'sNwkSIntKey'
  | 'nwkSEncKey'
  | 'appSKey';

interface KeyFieldProps extends DraftFieldsProps {
  readonly field: TextField;
  readonly label: string;
}

function KeyField({ draft, problems, change, field, label }: KeyFieldProps) {
  return (
    <IdentifierInput
      label={label}
      lengthBytes={16}
      ordered={false}
      value={draft[field]}
      error={problems[field]}
      generate={() => randomBytes(16)}
      generateLabel="Generate a random key"
      onChange={(value) => change({ [field]: value })}
    />
  );
}

function DevEuiField({ draft, problems, change }: DraftFieldsProps) {
  return (
    <IdentifierInput
      label={draft.activation === 'otaa' ? 'DevEUI' : 'DevEUI, if the device has one'}
      lengthBytes={8}
      value={draft.devEui}
      error={problems.devEui}
      generate={() => localEui(randomBytes(8))}
      generateLabel="Generate a locally administered EUI"
      onChange={(devEui) => change({ devEui })}
    />
  );
}

function OtaaFields(props: DraftFieldsProps) {
  const { draft, problems, change } = props;
  return (
    <>
      <DevEuiField {...props} />
      <IdentifierInput
        label="JoinEUI (formerly AppEUI)"
        lengthBytes={8}
        value={draft.joinEui}
        error={problems.joinEui}
        onChange={(joinEui) => change({ joinEui })}
      />
      <KeyField {...props} field="appKey" label="AppKey" />
      {isVersion11(draft) && <KeyField {...props} field="nwkKey" label="NwkKey" />}
    </>
  );
}

function AbpFields(props: DraftFieldsProps) {
  const { draft, problems, change } = props;
  const block = useWatch((state) => state.workspace?.devAddrBlock ?? '');
  const v11 = isVersion11(draft);
  return (
    <>
      <IdentifierInput
        label="DevAddr"
        lengthBytes={4}
        value={draft.devAddr}
        error={problems.devAddr}
        generate={() => devAddrInBlock(block, randomBytes(4)) ?? randomBytes(4)}
        generateLabel={block === '' ? 'Generate' : `Generate one of this network's (${block})`}
        onChange={(devAddr) => change({ devAddr })}
      />
      <KeyField {...props} field="nwkSKey" label={v11 ? 'FNwkSIntKey' : 'NwkSKey'} />
      {v11 && <KeyField {...props} field="sNwkSIntKey" label="SNwkSIntKey" />}
      {v11 && <KeyField {...props} field="nwkSEncKey" label="NwkSEncKey" />}
      <KeyField {...props} field="appSKey" label="AppSKey" />
      <DevEuiField {...props} />
      <Checkbox
        size="sm"
        label="Accept counters that start again"
        description="For firmware under development that forgets its counters. A replayed frame is then accepted too."
        checked={draft.resetsFCnt}
        onChange={(event) => change({ resetsFCnt: event.currentTarget.checked })}
      />
    </>
  );
}

export function KeyFields(props: DraftFieldsProps) {
  return props.draft.activation === 'otaa' ? <OtaaFields {...props} /> : <AbpFields {...props} />;
}
