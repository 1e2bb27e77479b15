import type { Reporter, TestModule } from 'vitest/node'

/** Prints one plain line as the very last one, so that a log can be judged by its end. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const testModule of modules) {
      const before = count.failed
      for (const test of testModule.children.allTests()) count[test.result().state] += 1
      // A file or a suite may fail outside of its tests, in a hook or at its import.
      if (!testModule.ok() && count.failed === before) count.failed += 1
    }
    const skipped = count.skipped + count.pending
    process.once('exit', () => console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`))
  }
}
