import { DefaultReporter, type TestModule, type TestProject, type TestSpecification } from 'vitest/node'
import { addResults, type Counts, inWords } from './summary-reporter.js'

interface Progress extends Counts {
  filesLeft: number
}

/** The advice of `describeWhere` is printed although nothing failed. */
const ADVICE = 'Skipped. '

/** Prints one line for each project when its last file is done, and each file that failed. In watch mode, every file. */
export default class ProjectReporter extends DefaultReporter {
  private readonly progress = new Map<TestProject, Progress>()

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    super.onTestRunStart(specifications)
    this.progress.clear()
    for (const { project } of specifications) this.progressOf(project).filesLeft += 1
  }

  override onTestModuleEnd(testModule: TestModule): void {
    super.onTestModuleEnd(testModule)
    const progress = this.progressOf(testModule.project)
    addResults(progress, testModule)
    progress.filesLeft -= 1
    if (progress.filesLeft === 0 && !this.ctx.config.watch) this.printProject(testModule.project, progress)
  }

  override shouldLog(...[log, state]: Parameters<DefaultReporter['shouldLog']>): boolean {
    return log.content.startsWith(ADVICE) || super.shouldLog(log, state)
  }

  protected override printTestModule(testModule: TestModule): void {
    if (this.ctx.config.watch || !testModule.ok()) super.printTestModule(testModule)
  }

  private progressOf(project: TestProject): Progress {
    const progress = this.progress.get(project) ?? { filesLeft: 0, passed: 0, failed: 0, skipped: 0 }
    this.progress.set(project, progress)
    return progress
  }

  private printProject({ name }: TestProject, progress: Progress): void {
    const mark = progress.failed > 0 ? '✗' : '✓'
    const seconds = Math.round((performance.now() - this.start) / 1000)
    this.log(` ${mark} ${name}: ${inWords(progress)} (after ${seconds} s)`)
  }
}
