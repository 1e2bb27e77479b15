import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { describeInChromium } from '../browser/chromium.js'
import { describeRedis } from '../relay/redis-server.js'
import { ROOT } from './root.js'

const run = promisify(execFile)

/** Runs sections of `npm run bench` with tiny numbers; gives the cells of its tables. */
async function bench(...sections: readonly string[]): Promise<{ report: string; cells: string[][] }> {
  const { stdout } = await run(process.execPath, [join(ROOT, 'test/bench/run.mjs'), 'smoke', ...sections])
  const rows = stdout.split('\n').filter((line) => line.startsWith('| '))
  return { report: stdout, cells: rows.map((row) => row.split('|').map((cell) => cell.trim())) }
}

/** The figures of the rows that begin with a name, as numbers. */
function figures(cells: readonly string[][], name: string): number[] {
  return cells
    .filter(([, first, second]) => first === name || second === name)
    .flatMap((row) => row.slice(2, -1))
    .map((cell) => Number.parseFloat(cell.replaceAll(',', '')))
    .filter((value) => !Number.isNaN(value))
}

describeRedis('npm run bench', () => {
  it('still measures servers, and writes what it found as tables', async () => {
    const { report, cells } = await bench('fan-out', 'open-loop', 'latency', 'reconnect', 'publish', 'workers')
    expect(report.match(/^### .*/gm)).toEqual([
      '### Fan-out to 20 receivers',
      '### Open loop: a fixed rate to 20 receivers',
      '### Latency from one connection to another',
      '### Reconnect',
      '### Signals taken in',
      '### Workers on one port, 20 receivers, on Redis',
    ])
    expect(report).toContain('Half of its 20 clients are back after')
    for (const peer of ['signalpost', 'ws']) expect(figures(cells, peer).length).toBeGreaterThan(6)
    expect(figures(cells, 'sse').every((value) => value > 0)).toBe(true)
    expect(figures(cells, 'sse')).toHaveLength(6)
    for (const kind of ['one relay, in memory', 'one relay on Redis', 'two relays on Redis']) {
      expect(figures(cells, kind)[0]).toBeGreaterThan(0)
    }
    for (const workers of ['1', '2']) expect(figures(cells, workers)).toHaveLength(4)
  })
})

describe('the simulation of a storm', () => {
  async function simulate(...args: readonly string[]) {
    const { stdout } = await run(process.execPath, [join(ROOT, 'test/bench/storm.mjs'), ...args])
    return JSON.parse(stdout) as { half: number; all: number; largestShare: number; failed: number }
  }

  it('G9 brings 2,000 pages back within 3 seconds, as it was measured', async () => {
    const { half, all, largestShare } = await simulate('2000', '3000', '2000')
    expect([half < 1000, all <= 3000, largestShare <= 0.15]).toEqual([true, true, true])
  })

  it.each([
    { pages: '500', seconds: 1 },
    { pages: '2000', seconds: 2 },
    { pages: '10000', seconds: 5 },
  ])('spreads $pages pages of a relay that says goodbye over $seconds s', async ({ pages, seconds }) => {
    const { all, failed } = await simulate(pages, '3000', 'drained')
    expect([Math.round(all / 1000), failed]).toEqual([seconds, 0])
  })
})

describeInChromium('npm run bench', () => {
  it('still measures the client', async () => {
    const { cells } = await bench('client')
    expect(figures(cells, 'signalpost').every((value) => value > 0)).toBe(true)
    expect(figures(cells, 'signalpost').length).toBeGreaterThan(2)
    for (const kind of ['reconnecting-websocket + JSON.parse + mitt', 'EventSource + JSON.parse']) {
      expect(figures(cells, kind)[0]).toBeGreaterThan(0)
    }
  })

  it('still measures tabs that share a connection', async () => {
    const { report, cells } = await bench('sharing')
    expect(report).toContain('have 2 connections without sharing, 1 with a tab that has the connection')
    expect(report).toContain('100 bare clients cost the relay')
    for (const kind of ['a connection of its own', 'another tab', 'a tab beside a worker']) {
      expect(figures(cells, kind).every((value) => value > 0)).toBe(true)
      expect(figures(cells, kind)).toHaveLength(5)
    }
  })

  it('still measures the script tag', async () => {
    const { report, cells } = await bench('tag')
    expect(report).toContain('### The script tag')
    expect(figures(cells, 'signalpost').every((value) => value > 0)).toBe(true)
    expect(figures(cells, 'signalpost')).toHaveLength(4)
  })
})
