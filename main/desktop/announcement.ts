/** What a running program tells the terminal it was started from. */
export interface Announced {
  readonly listeners: readonly { readonly service: string; readonly address: string }[];
  /** What was asked for and is not there, in words. */
  readonly notices: readonly string[];
  /** A link for a browser, if the user interface is served to one. */
  readonly uiUrl: string | undefined;
}

/** Each address in use, in words for people and as one JSON line for programs. */
export function announcement(shell: Announced, options: { readonly withLink: boolean }): string {
  const lines = [
    ...shell.notices,
    ...shell.listeners.map(({ service, address }) => `Listening for ${service} on ${address}`),
    ...(options.withLink && shell.uiUrl !== undefined
      ? [`Open this link once in your browser: ${shell.uiUrl}`]
      : []),
    ...shell.listeners.map(({ service, address }) =>
      JSON.stringify({ event: 'listening', service, address }),
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
