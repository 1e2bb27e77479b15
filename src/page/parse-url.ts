/** Returns no address for a text that is none. Chrome before 120, Firefox before 115 and Safari before 17 lack URL.canParse(). */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
