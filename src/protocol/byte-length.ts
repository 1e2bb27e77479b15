/** How many bytes a text takes as UTF-8. Test environments like jsdom have no TextEncoder. */
export function byteLength(text: string): number {
  // Each byte beyond ASCII becomes an escape of its own. JSON escapes the lone surrogates that this would not take.
  return encodeURI(text).replace(/%../g, '.').length
}
