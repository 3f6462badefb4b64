declare global {
  interface Window {
    /** Where the scroll lock of dialogs looks for the nonce of its style element. */
    __webpack_nonce__?: string;
  }
}

/** The nonce for style elements that the server wrote into the page; it is taken out so that nothing else finds it. */
export function takeNonce(): string {
  const element = document.querySelector('meta[name="csp-nonce"]');
  const nonce = element?.getAttribute('content') ?? '';
  element?.remove();
  if (nonce === '' || nonce.startsWith('%')) return '';
  window.__webpack_nonce__ = nonce;
  return nonce;
}
