/** How many bytes a text takes as UTF-8. Test environments like jsdom have no TextEncoder. */
export function byteLength(text: string): number {
  const count = (characters: RegExp): number => text.match(characters)?.length ?? 0
  // Both halves of a surrogate pair count here, which makes four bytes of it; what takes three counts twice.
  return text.length + count(/[^\0-\x7f]/g) + count(/[\u0800-\ud7ff\ue000-\uffff]/g)
}
