import { Button } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { Link } from 'wouter';
import { EmptyState } from '../components/empty-state.tsx';

export function NotFoundPage() {
  return (
    <EmptyState
      icon={IconMapOff}
      title="There is no such page"
      text="The address leads nowhere in this version of Gatehouse."
    >
      <Button component={Link} href="/frames" variant="default">
        Go to live frames
      </Button>
    </EmptyState>
  );
}
