/** The token of a one-time link, from the fragment of the page's address. */
export function tokenInFragment(fragment: string): string | undefined {
  const token = new URLSearchParams(fragment.replace(/^#/, '')).get('token');
  return token === null || token === '' ? undefined : token;
}

/** Trades the token for a session cookie and takes it out of the address. False if the token is not accepted. */
export async function openSession(token: string): Promise<boolean> {
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  const response = await fetch('/session', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  return response.ok;
}
