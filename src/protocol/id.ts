/** Makes 128 random bits in base64url, 22 characters. `crypto.randomUUID` is missing on pages without TLS. */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const text = btoa(String.fromCharCode(...bytes)).slice(0, 22)
  return text.replace(/\W/g, (sign) => (sign === '+' ? '-' : '_'))
}
