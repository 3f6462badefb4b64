import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createPageApi } from './client/api.ts';
import { openSession, tokenInFragment } from './client/session.ts';
import { takeNonce } from './nonce.ts';
import { createWatch } from './state/watch.ts';

async function openSessionFromAddress(): Promise<void> {
  const token = tokenInFragment(location.hash);
  if (token === undefined) return;
  try {
    await openSession(token);
  } catch {
    // No answer at all: the stream will say so, and keeps trying.
  }
}

async function start(): Promise<void> {
  const nonce = takeNonce();
  await openSessionFromAddress();
  const root = document.getElementById('root');
  if (root === null) return;
  const api = createPageApi(location.origin);
  const watch = createWatch(api);
  watch.start();
  createRoot(root).render(<App api={api} watch={watch} nonce={nonce} />);
}

// A new one-time link pasted into an open page changes only the fragment.
window.addEventListener('hashchange', () => {
  if (tokenInFragment(location.hash) === undefined) return;
  void openSessionFromAddress().then(() => location.reload());
});

void start();
