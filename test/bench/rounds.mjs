/** Rounds that alternate, so that a busy minute of the machine harms everybody alike. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { median } from './machine.mjs'
import { file, startServer } from './peers.mjs'

const run = promisify(execFile)

/** Runs a script of this folder with one argument, and reads the JSON that it prints. */
export async function measure(script, task) {
  const args = [file(script), JSON.stringify(task)]
  const { stdout } = await run(process.execPath, args, { timeout: 300_000, maxBuffer: 1 << 24 })
  return JSON.parse(stdout)
}

/** One server, fresh for each round, and the load on it. */
export async function loadOnce(peer, receivers, phases) {
  const server = await startServer(peer)
  try {
    return await measure('load.mjs', { peer, port: server.port, pids: [server.pid], receivers, phases })
  } finally {
    await server.stop()
  }
}

/** Measures every kind in every round, and gives the medians of all numbers by kind. */
export async function alternate(rounds, kinds, measureOne, tell = () => {}) {
  const results = Object.fromEntries(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round += 1) {
    // The first of a round is another one each time.
    const turned = kinds.slice(round % kinds.length).concat(kinds.slice(0, round % kinds.length))
    for (const kind of turned) {
      results[kind].push(await measureOne(kind))
      tell(kind, round)
    }
  }
  return Object.fromEntries(kinds.map((kind) => [kind, medians(results[kind])]))
}

/** Medians of values that have one shape: numbers, lists, or fields. */
function medians(values) {
  const [first] = values
  if (typeof first === 'number') return median(values)
  if (Array.isArray(first)) return first.map((_, index) => medians(values.map((value) => value[index])))
  return Object.fromEntries(Object.keys(first).map((key) => [key, medians(values.map((value) => value[key]))]))
}
