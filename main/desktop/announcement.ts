/** What a running program tells the terminal it was started from. */
export interface Announced {
  readonly listeners: readonly { readonly service: string; readonly address: string }[];
  /** What the user should know, in words. */
  readonly notices: readonly string[];
}

/** Each address in use, in words for people and as one JSON line for programs; and a link for a browser, if there is one. */
export function announcement(shell: Announced, link?: string): string {
  const lines = [
    ...shell.notices,
    ...shell.listeners.map(({ service, address }) => `Listening for ${service} on ${address}`),
    ...(link === undefined ? [] : [`Open this link once in your browser: ${link}`]),
    ...shell.listeners.map(({ service, address }) =>
      JSON.stringify({ event: 'listening', service, address }),
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
