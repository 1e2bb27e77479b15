/** Returns the length of a text in UTF-8 (bytes). Test environments like jsdom have no TextEncoder. */
export function byteLength(text: string): number {
  // encodeURI escapes each byte beyond ASCII. It throws on lone surrogates, which JSON has escaped.
  return encodeURI(text).replace(/%../g, '.').length
}
