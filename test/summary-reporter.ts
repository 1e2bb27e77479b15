import type { Reporter, TestModule } from 'vitest/node'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Prints one plain line as the very last one, so that a log can be judged by its end. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 }
    for (const testModule of modules) addResults(counts, testModule)
    process.once('exit', () => console.log(inWords(counts)))
  }
}

/** Adds the results of a file to some counts. */
export function addResults(counts: Counts, testModule: TestModule): void {
  const before = counts.failed
  for (const test of testModule.children.allTests()) {
    const { state } = test.result()
    counts[state === 'pending' ? 'skipped' : state] += 1
  }
  // A file or a suite may fail outside of its tests, in a hook or at its import.
  if (!testModule.ok() && counts.failed === before) counts.failed += 1
}

export function inWords({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
