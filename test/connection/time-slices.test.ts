import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createTimeSlices, type TimeSlices } from '../../src/connection/time-slices.js'

const JOBS = 100

let slices: TimeSlices
let now: number
let done: number[]

/** Runs jobs in one task, each of which takes some milliseconds. */
function runAll(milliseconds: number, first = 0, count = JOBS): void {
  for (let job = first; job < first + count; job += 1) {
    slices.run(() => {
      now += milliseconds
      done.push(job)
    })
  }
}

/** Waits for all jobs, and returns after how many of them a task of the page ran. */
async function watchTasks(count = JOBS): Promise<number[]> {
  const seen: number[] = []
  while (done.length < count) {
    seen.push(done.length)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return seen
}

const inOrder = (count = JOBS): number[] => Array.from({ length: count }, (_, index) => index)

beforeEach(() => {
  slices = createTimeSlices()
  now = 1000
  done = []
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})

describe('jobs in time slices', () => {
  it('run at once as long as they are short', () => {
    runAll(0.01)
    expect(done).toEqual(inOrder())
  })

  it('run at once when they come one by one, however long they go on', () => {
    for (let job = 0; job < JOBS; job += 1) {
      runAll(0.05, job, 1)
      now += 3
    }
    expect(done).toEqual(inOrder())
  })

  it('let tasks of the page run between them when they are long, and keep their order', async () => {
    runAll(1)
    expect(done.length).toBeLessThan(50)
    const seen = await watchTasks()
    expect(done).toEqual(inOrder())
    expect(new Set(seen).size).toBeGreaterThanOrEqual(JOBS / 50)
  })

  it('do so where there are no messages', async () => {
    vi.stubGlobal('MessageChannel', undefined)
    runAll(1)
    expect(done.length).toBeLessThan(50)
    await watchTasks()
    expect(done).toEqual(inOrder())
  })

  it('run one in a slice when each takes longer than a slice', async () => {
    runAll(100, 0, 5)
    expect(done).toEqual([0])
    await watchTasks(5)
    expect(done).toEqual(inOrder(5))
  })

  it('stay behind earlier jobs that wait', async () => {
    runAll(1)
    now += 1000
    runAll(0, JOBS, 1)
    await watchTasks(JOBS + 1)
    expect(done).toEqual(inOrder(JOBS + 1))
  })

  it('run at once again after a pause', async () => {
    runAll(1)
    await watchTasks()
    now += 10
    runAll(1, JOBS, 5)
    expect(done).toEqual(inOrder(JOBS + 5))
  })

  it('are dropped, also by a job', async () => {
    runAll(1, 0, 20)
    slices.run(() => slices.clear())
    runAll(1, 20, 20)
    await watchTasks(20)
    await new Promise((resolve) => setImmediate(resolve))
    expect(done).toEqual(inOrder(20))
  })

  it('go on after one that throws', async () => {
    const errors: unknown[] = []
    const note = (error: unknown): void => void errors.push(error)
    process.on('uncaughtException', note)
    runAll(1, 0, 20)
    slices.run(() => {
      throw new Error('a defect')
    })
    runAll(1, 20, 20)
    await watchTasks(40)
    await vi.waitUntil(() => errors.length > 0)
    process.off('uncaughtException', note)
    expect(done).toEqual(inOrder(40))
  })
})
