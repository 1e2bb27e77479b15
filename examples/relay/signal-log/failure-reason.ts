/** Failures that are not answers of Redis. */
const WORDS: readonly (readonly [form: RegExp, word: string])[] = [
  [/no replica/, 'no-replica'],
  [/^the disk/, 'no-disk'],
  [/timed? ?out|no answer/i, 'timeout'],
]

/**
 * Returns a short reason of a failed call to the log: the error code of Redis, such as `OOM`, or a word. Redis reports
 * missing rights within a script without a code.
 */
export function failureReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (/\b(user executing the script can't|ACL failure in script)\b/.test(text)) return 'NOPERM'
  // Redis 6.2 puts the code behind the position in the script.
  const code = /@user_script: ?\d+: -([A-Z]+)\b/.exec(text)?.[1] ?? /^-?([A-Z]{2,16})(?= )/.exec(text)?.[1]
  return code ?? WORDS.find(([form]) => form.test(text))?.[1] ?? 'connection'
}
