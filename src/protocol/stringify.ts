/** Same as `JSON.stringify`, also where an old library gives arrays a `toJSON` that returns text, as Prototype 1.6 does. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, replacer)
}

function replacer(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  return keepArray(this[key], value)
}

/** For a replacer of `JSON.stringify`: returns the original of an array, and the result of `toJSON()` for other values. */
export function keepArray(original: unknown, value: unknown): unknown {
  return Array.isArray(original) ? original : value
}
