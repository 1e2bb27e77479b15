/**
 * Speed beside other servers and clients. Machines are noisy: rounds alternate, what counts are medians, and of those the
 * CPU time of the server.
 *
 * npm run bench             everything, about 40 minutes; writes the results into README.md and chart.svg
 * npm run bench -- quick    a few minutes; prints the results and writes nothing
 * npm run bench -- smoke    some seconds; shows that everything runs, and measures nothing that means anything
 * npm run bench -- write    writes them, whatever was measured
 * npm run bench -- fan-out  one section or several: fan-out, open-loop, latency, reconnect, publish, workers, client,
 *                           sharing, tag
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { prepareDispatch } from './dispatch.mjs'
import { describeMachine, mostOpenFiles } from './machine.mjs'
import { file, hasOption, relayArguments, startProcess } from './peers.mjs'
import { findFreePort } from '../support/free-port.mjs'
import { FULL, ON_REDIS, QUICK, SMOKE } from './plan.mjs'
import { renderChart, renderReport } from './report.mjs'
import { alternate, loadOnce, measure } from './rounds.mjs'
import { measureReturn, prepareSharing, SHARINGS, weighSharing } from './sharing.mjs'
import { prepareTag } from './tag.mjs'

const words = process.argv.slice(2)
const PLANS = { quick: QUICK, smoke: SMOKE }
const plan = PLANS[words.find((word) => word in PLANS)] ?? FULL
const wanted = words.filter((word) => !(word in PLANS) && word !== 'write')
const tell = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)

const SECTIONS = {
  async 'fan-out'() {
    const tables = []
    for (const { receivers, peers, windows } of plan.fanOut) {
      const phases = windows.map((window) => ({ kind: 'window', window, warm: plan.warm, time: plan.time }))
      const results = await alternate(
        plan.rounds,
        peers,
        (peer) => loadOnce(peer, receivers, phases),
        (peer, round) => tell(`fan-out to ${receivers}, round ${round + 1}, ${peer}`),
      )
      tables.push({ receivers, windows, results })
    }
    return tables
  },

  async 'open-loop'() {
    const { receivers, peers, rates, time, rounds } = plan.openLoop
    const phases = (rate) => [{ kind: 'open', rate, time }]
    const tables = []
    for (const rate of rates) {
      const results = await alternate(
        rounds,
        peers,
        (peer) => loadOnce(peer, receivers, phases(rate)),
        (peer, round) => tell(`open loop at ${rate}, round ${round + 1}, ${peer}`),
      )
      tables.push({ receivers, rate, results })
    }
    return tables
  },

  async latency() {
    const { peers, every, count, warm, rounds } = plan.latency
    const measured = { kind: 'latency', every, count }
    return alternate(
      rounds,
      peers,
      (peer) => loadOnce(peer, 1, [measured, { kind: 'latency', every: 1, count: warm }, measured]),
      (peer, round) => tell(`latency, round ${round + 1}, ${peer}`),
    )
  },

  async reconnect() {
    const { clients, rounds } = plan.reconnect
    const results = await alternate(
      rounds,
      ['signalpost'],
      () => measure('reconnect.mjs', { clients }),
      (_, round) => tell(`reconnect, round ${round + 1}`),
    )
    return { clients, ...results.signalpost }
  },

  async publish() {
    const kinds = { 'one relay, in memory': { instances: 1, redis: false } }
    if (hasOption('--redis')) {
      for (const [index, kind] of ON_REDIS.entries()) kinds[kind] = { instances: index + 1, redis: true }
    }
    const { time, rounds } = plan.publish
    return alternate(
      rounds,
      Object.keys(kinds),
      (kind) => measure('publish.mjs', { time, ...kinds[kind] }),
      (kind, round) => tell(`publish, round ${round + 1}, ${kind}`),
    )
  },

  async workers() {
    if (!hasOption('--workers')) throw new Error('the relay that was built has no --workers')
    const { receivers, counts, windows, rounds } = plan.workers
    const phases = windows.map((window) => ({ kind: 'window', window, warm: plan.warm, time: plan.time }))
    const results = await alternate(
      rounds,
      counts.map(String),
      (workers) => measure('workers.mjs', { workers: Number(workers), receivers, phases }),
      (workers, round) => tell(`workers, round ${round + 1}, ${workers}`),
    )
    return { receivers, windows, results }
  },

  async client() {
    const { rounds, frames, handling, connecting } = plan.client
    const chromium = await prepareDispatch(handling, frames)
    const dispatch = await alternate(rounds, handling, chromium.measure)
    await chromium.stop()
    tell('dispatch in Chromium')
    const connect = await measureConnecting(rounds, connecting)
    tell('connecting')
    return { dispatch, connect }
  },

  async sharing() {
    const { rounds, browsers, tabs, delays, memory, hasReturn } = plan.sharing
    const back = hasReturn ? await measureReturn() : undefined
    const chromium = await prepareSharing(plan.sharing)
    const results = await alternate(rounds, SHARINGS, chromium.measure, (kind, round) =>
      tell(`sharing, round ${round + 1}, ${kind}`),
    )
    await chromium.stop()
    const held = await alternate(
      rounds,
      ['1', String(tabs)],
      (each) => measure('memory.mjs', { ...memory, tabs: Number(each) }),
      (each, round) => tell(`memory, round ${round + 1}, ${each} on a socket`),
    )
    return { browsers, tabs, delays, results, count: memory.count, held, bytes: await weighSharing(), back }
  },

  async tag() {
    const { kinds } = plan.tag
    const servers = await startServers(kinds.filter((kind) => kind !== 'htmx'))
    const chromium = await prepareTag(kinds, {
      signalpost: `ws://127.0.0.1:${servers.signalpost.port}/signals`,
      'socket.io': `http://127.0.0.1:${servers['socket.io']?.port}`,
    })
    const results = await alternate(plan.tag.rounds, kinds, chromium.measure, (kind, round) =>
      tell(`tag, round ${round + 1}, ${kind}`),
    )
    await chromium.stop()
    for (const server of Object.values(servers)) await server.stop()
    return results
  },
}

/** The servers that clients connect to, by kind. */
async function startServers(peers) {
  const servers = {}
  for (const kind of peers) {
    const port = await findFreePort()
    const server = [file('servers.mjs'), kind === 'websocket' ? 'ws' : kind, String(port)]
    servers[kind] = await startProcess(process.execPath, kind === 'signalpost' ? relayArguments(port) : server, port)
  }
  return servers
}

async function measureConnecting(rounds, peers) {
  const servers = await startServers(peers)
  const connect = (kind) =>
    JSON.parse(
      execFileSync(process.execPath, [file('connect.mjs'), kind, String(servers[kind].port)], { encoding: 'utf8' }),
    )
  const results = await alternate(rounds, peers, async (kind) => connect(kind))
  for (const server of Object.values(servers)) await server.stop()
  return results
}

const unknown = wanted.filter((word) => !(word in SECTIONS))
if (unknown.length > 0) {
  process.stderr.write(`There is no section ${unknown.join(', ')}. There are: ${Object.keys(SECTIONS).join(', ')}.\n`)
  process.exit(2)
}
if (plan !== SMOKE && mostOpenFiles() < 12_000) {
  process.stderr.write('5,000 connections need more open files: run ulimit -n 20000 first.\n')
  process.exit(2)
}

const results = {}
for (const name of wanted.length > 0 ? wanted : Object.keys(SECTIONS)) {
  try {
    results[name] = await SECTIONS[name]()
  } catch (error) {
    // What was measured before, and what comes after, is worth 40 minutes.
    process.stderr.write(`The section ${name} failed: ${error.message}\n`)
    process.exitCode = 1
  }
}

const report = renderReport(results, {
  machine: describeMachine(),
  date: new Date(),
  rounds: plan.rounds,
  command: `npm run bench ${words.length > 0 ? `-- ${words.join(' ')}` : ''}`.trim(),
})
process.stdout.write(`${report}\n`)
const isWhole = plan === FULL && wanted.length === 0 && !process.exitCode
const isWritten = isWhole || words.includes('write')
if (isWritten) {
  const readme = file('README.md')
  const text = readFileSync(readme, 'utf8').replace(
    /(?<=<!-- results -->\n).*(?=<!-- end of results -->)/s,
    () => `\n${report}\n\n`,
  )
  const style = await resolveConfig(readme)
  writeFileSync(readme, await format(text, { ...style, filepath: readme }))
  if (results['fan-out']) writeFileSync(file('chart.svg'), renderChart(results['fan-out']))
}
process.exit()
