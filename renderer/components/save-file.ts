/** Lets the browser download a file; the desktop shell asks where to. False if the user cancelled. */
export async function saveFile(name: string, parts: readonly string[]): Promise<boolean> {
  const blob = new Blob([...parts], { type: 'application/octet-stream' });
  if (window.gatehouse !== undefined) {
    return window.gatehouse.saveFile({
      purpose: 'export',
      suggestedName: name,
      bytes: new Uint8Array(await blob.arrayBuffer()),
    });
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has to have begun before its address goes.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return true;
}
