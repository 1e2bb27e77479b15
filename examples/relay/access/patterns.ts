/** What a pattern must look like, for people and for schemas. */
export const PATTERN = /^(?:[A-Za-z][A-Za-z0-9_.:-]{0,127}\*?|\*)$/

/** Whether a text is a pattern of names: a name, or the beginning of one and a star (`team:*`), or a star alone. */
export function isPattern(value: unknown): value is string {
  return typeof value === 'string' && PATTERN.test(value)
}

/** Whether a name fits one of the patterns. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}
