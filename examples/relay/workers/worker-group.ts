import cluster from 'node:cluster'
import type { Counts } from '../metrics/counters.js'
import { readProcessFigures } from '../metrics/process-figures.js'
import { COUNTS, FIGURES, type Figures } from '../metrics/prometheus.js'
import type { CommandSettings } from '../options/options.js'
import { planReload, type Reload } from '../options/reload.js'
import type { RelayAddress } from '../relay.js'
import type { Logger } from '../logger.js'
import { LogUnusable } from '../signal-log/log.js'
import { createLedger } from './ledger.js'
import type { Changes, FromWorker, StartFailure } from './messages.js'
import { createPolls } from './poll.js'
import { createTally } from './tally.js'
import { createWorkerProcess, type WorkerProcess } from './worker-process.js'

/** The argument by which the command knows that it is a worker. */
export const WORKER = 'relay-worker'

export interface WorkerGroupOptions {
  readonly settings: CommandSettings
  readonly logger: Logger
  /** Writes a line of a worker's log. */
  readonly writeLine: (line: string) => void
}

/** Several workers on one port. They are started and stopped like a single relay. */
export interface WorkerGroup {
  /** Starts all workers. Rejects with the error of the first one that cannot listen. */
  listen(): Promise<RelayAddress>
  reload(settings: CommandSettings): Reload
  /** Drains all workers. Rejects when one of them fails meanwhile. */
  close(): Promise<void>
}

export function createWorkerGroup({ settings, logger, writeLine }: WorkerGroupOptions): WorkerGroup {
  const ledger = createLedger<WorkerProcess>()
  const polls = createPolls<WorkerProcess>()
  const tally = createTally<WorkerProcess>()
  let present = settings
  let address: RelayAddress | undefined
  let start: { resolve(): void; reject(error: Error): void } | undefined
  let closing: Promise<void> | undefined
  const workers = Array.from({ length: settings.workers }, (_, index) => createWorker(index + 1))

  function createWorker(number: number): WorkerProcess {
    const worker: WorkerProcess = createWorkerProcess({
      number,
      greeting: () => [
        // A replacement listens on the port that the system has selected.
        { type: 'start', number, settings: { ...present, port: address?.port ?? present.port } },
        { type: 'changes', uses: ledger.uses(), units: [] },
      ],
      onReady(bound) {
        address = bound
        if (workers.every(({ isReady }) => isReady)) start?.resolve()
      },
      onFailure(failure) {
        start?.reject(errorOf(failure))
        if (!start) logger.error({ worker: number, text: failure.text }, 'a worker did not start')
      },
      onMessage: (message) => receive(worker, message),
      onExit: (cause, isClean, delay) => replace(worker, cause, isClean, delay),
    })
    return worker
  }

  function replace(worker: WorkerProcess, cause: string, isClean: boolean, delay: number): void {
    polls.remove(worker)
    tally.remove(worker)
    broadcast(worker, { type: 'changes', uses: ledger.remove(worker), units: [] })
    if (closing) return
    if (start) return start.reject(new Error(`worker ${worker.number} ended with ${cause}`))
    logger[isClean ? 'info' : 'error']({ worker: worker.number, cause, delay }, 'a worker ended, and is replaced')
    worker.restart(delay)
  }

  function broadcast(from: WorkerProcess, changes: Changes): void {
    if (changes.uses.length + changes.units.length === 0) return
    for (const worker of workers) if (worker !== from) worker.send(changes)
  }

  function receive(worker: WorkerProcess, message: FromWorker): void {
    switch (message.type) {
      case 'log':
        return writeLine(message.line)
      case 'ask':
        return void ask(worker, message.topic, message.question).then((answers) =>
          worker.send({ type: 'answers', id: message.id, answers }),
        )
      case 'answer':
        return polls.answer(worker, message.id, message.answer)
      case 'changes':
        ledger.add(worker, message.uses)
        broadcast(worker, message)
    }
  }

  async function ask(from: WorkerProcess, topic: string, question: unknown): Promise<readonly unknown[]> {
    // A worker may get its first request before it is known to listen.
    const asked = workers.filter((worker) => worker.isReady || worker === from)
    const answers = await polls.start(asked, (worker, id) => worker.send({ type: 'question', id, topic, question }))
    const inOrder = asked.flatMap((worker) => (answers.has(worker) ? [answers.get(worker)] : []))
    switch (topic) {
      case COUNTS:
        return tally.complete(answers as ReadonlyMap<WorkerProcess, Counts>)
      case FIGURES: {
        const own: Figures = { worker: 'primary', process: readProcessFigures() }
        return [...inOrder, own]
      }
    }
    return inOrder
  }

  async function stop(): Promise<void> {
    await Promise.all(workers.map((worker) => worker.stop()))
  }

  return {
    async listen() {
      cluster.schedulingPolicy = cluster.SCHED_RR
      cluster.setupPrimary({ args: [WORKER], serialization: 'advanced' })
      await new Promise<void>((resolve, reject) => {
        start = { resolve, reject }
        for (const worker of workers) worker.start()
      })
      start = undefined
      if (!address) throw new Error('no worker has an address')
      return address
    },
    reload(next) {
      const { settings: planned, changed, restart } = planReload(present, next)
      present = planned
      for (const worker of workers) worker.send({ type: 'reload', settings: present })
      return { changed, restart }
    },
    close: () => (closing ??= stop()),
  }
}

/** Returns the error as the worker had it. */
function errorOf({ text, code, isLogUnusable }: StartFailure): Error {
  return isLogUnusable ? new LogUnusable(text) : Object.assign(new Error(text), { code })
}
