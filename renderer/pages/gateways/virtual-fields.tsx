import { Text } from '@mantine/core';

export function VirtualFields() {
  return (
    <Text size="sm">
      A gateway that exists only in this program. It hears the simulated devices and sends to them;
      nothing leaves this computer by radio.
    </Text>
  );
}
