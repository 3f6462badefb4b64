/** Lets the browser download a file; the desktop shell asks where to. */
export function saveFile(name: string, parts: readonly (string | Blob)[]): void {
  const blob = new Blob([...parts], { type: 'application/octet-stream' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has to have begun before its address goes.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
