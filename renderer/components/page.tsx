import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './page.module.css';

interface PageProps {
  readonly title: string;
  readonly note?: string | undefined;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A scrolling page with a heading. */
export function Page({ title, note, actions, children }: PageProps) {
  return (
    <div className={classes.scroll}>
      <div className={classes.page}>
        <Group justify="space-between" mb="md" mih={34}>
          <Group gap="sm" align="baseline">
            <Title order={1} fz={20}>
              {title}
            </Title>
            {note !== undefined && (
              <Text size="sm" c="dimmed">
                {note}
              </Text>
            )}
          </Group>
          <Group gap="xs">{actions}</Group>
        </Group>
        {children}
      </div>
    </div>
  );
}
