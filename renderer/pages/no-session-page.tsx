import { Button, Center, Code, Paper, Stack, Text, Title } from '@mantine/core';
import iconUrl from '../icon.svg';

/** Shown when the server does not know this browser: the way back in is the one-time link. */
export function NoSessionPage() {
  return (
    <Center h="100dvh" p="md">
      <Paper withBorder p="xl" maw={520} data-testid="no-session">
        <Stack gap="sm">
          <img src={iconUrl} width={36} height={36} alt="" />
          <Title order={1} fz={19}>
            This page needs a new link
          </Title>
          <Text size="sm">
            Gatehouse opens for a browser through a one-time link. The link this page came from was
            used already, or the program was started again since.
          </Text>
          <Text size="sm">
            The program prints a fresh link in its terminal when it starts. It looks like this:
          </Text>
          <Code block>{`${location.origin}/#token=…`}</Code>
          <Text size="sm">
            Copy the whole line into this browser. If the window with the link is gone, start
            Gatehouse again; nothing that was recorded is lost.
          </Text>
          <Button variant="default" onClick={() => location.reload()} w="fit-content">
            Try again
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
