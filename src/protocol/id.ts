/** Makes 128 random bits in base64url, 22 characters. `crypto.randomUUID` is missing on pages without TLS. */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .slice(0, 22)
}
