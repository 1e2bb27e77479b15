/** The form of a pattern, for texts and schemas. */
export const PATTERN = /^(?:[A-Za-z][A-Za-z0-9_.:-]{0,127}\*?|\*)$/

/** Reports whether a value is a pattern: a name, a prefix with a star (`team:*`), or a star alone. */
export function isPattern(value: unknown): value is string {
  return typeof value === 'string' && PATTERN.test(value)
}

/** Reports whether a name matches one of the patterns. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}
