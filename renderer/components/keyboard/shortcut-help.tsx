import { ActionIcon, Kbd, Modal, SimpleGrid, Table, Text, Tooltip } from '@mantine/core';
import { IconKeyboard } from '@tabler/icons-react';
import { Fragment, useState } from 'react';
import { useCommand } from '../../state/commands.ts';
import { SHORTCUTS } from '../../state/shortcuts.ts';

interface HelpRow {
  /** Keys of one row; several stand side by side. */
  readonly keys: readonly string[];
  readonly label: string;
}

interface HelpGroup {
  readonly title: string;
  readonly rows: readonly HelpRow[];
}

const GROUPS: readonly HelpGroup[] = [
  { title: 'Anywhere, except while typing', rows: SHORTCUTS },
  {
    title: 'In the list of frames',
    rows: [
      { keys: ['↑', '↓'], label: 'Choose a frame' },
      { keys: ['PgUp', 'PgDn'], label: 'Move by a screen' },
      { keys: ['Home', 'End'], label: 'Newest, oldest loaded' },
      { keys: ['Enter'], label: 'Open the inspector; again: go into its fields' },
      { keys: ['Esc'], label: 'Close the inspector' },
    ],
  },
  {
    title: 'In the inspector',
    rows: [
      { keys: ['↑', '↓'], label: 'Next field; its bytes light up' },
      { keys: ['←', '→'], label: 'Field around it, first field inside' },
      { keys: ['Enter'], label: 'Keep the bytes lit' },
      { keys: ['Esc'], label: 'Back to the list' },
    ],
  },
  {
    title: 'In forms and dialogs',
    rows: [
      { keys: ['Tab', 'Shift Tab'], label: 'Next or former field' },
      { keys: ['Ctrl Enter'], label: 'Queue the downlink from its payload field' },
      { keys: ['Esc'], label: 'Close the dialog' },
    ],
  },
];

function Group({ title, rows }: HelpGroup) {
  return (
    <section aria-label={title}>
      <Text size="sm" fw={600} mt="sm" mb={4}>
        {title}
      </Text>
      <Table verticalSpacing={3} withRowBorders={false}>
        <Table.Tbody>
          {rows.map(({ keys, label }) => (
            <Table.Tr key={label}>
              <Table.Td w={120}>
                {keys.map((key) => (
                  <Fragment key={key}>
                    <Kbd size="xs">{key}</Kbd>{' '}
                  </Fragment>
                ))}
              </Table.Td>
              <Table.Td>{label}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

/** Button and dialog that tell which keys do what. */
export function ShortcutHelp() {
  const [opened, setOpened] = useState(false);
  useCommand('show-help', () => setOpened(true));
  return (
    <>
      <Tooltip label="Keyboard shortcuts (?)">
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label="Keyboard shortcuts"
          onClick={() => setOpened(true)}
          data-testid="shortcut-help"
        >
          <IconKeyboard size={18} stroke={1.7} />
        </ActionIcon>
      </Tooltip>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title="Keyboard shortcuts"
        size={880}
        centered
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" verticalSpacing={0}>
          <div>
            {GROUPS.slice(0, 2).map((group) => (
              <Group key={group.title} {...group} />
            ))}
          </div>
          <div>
            {GROUPS.slice(2).map((group) => (
              <Group key={group.title} {...group} />
            ))}
          </div>
        </SimpleGrid>
      </Modal>
    </>
  );
}
