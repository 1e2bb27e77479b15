import { describe } from 'vitest'

/** Like `describe`, but skipped, with one line of advice, where something is not installed. In CI that fails instead. */
export function describeWhere(isInstalled: unknown, advice: string): typeof describe | typeof describe.skip {
  if (isInstalled) return describe
  if (process.env.CI) throw new Error(advice)
  console.warn(`Skipped. ${advice}`)
  return describe.skip
}
