import type { Reporter, TestModule } from 'vitest/node'

/** Prints one plain line as the very last one, so that a log can be judged by its end. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const testModule of modules) {
      if (testModule.state() === 'failed' && testModule.errors().length > 0) count.failed += 1
      for (const test of testModule.children.allTests()) count[test.result().state] += 1
    }
    const skipped = count.skipped + count.pending
    process.once('exit', () => console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`))
  }
}
