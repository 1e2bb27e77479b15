/**
 * Simulates the return of many pages to relays that were away, or that are restarted, in virtual time and with the backoff
 * of the SDK. The same numbers give the same result.
 *
 * Usage: storm.mjs PAGES [HANDSHAKES] [AWAY]
 *   PAGES        how many pages lose their connection at the same moment
 *   HANDSHAKES   how many of them all relays together can welcome a second (3000)
 *   AWAY         how long no relay answers (ms), or `drained`: the relays said goodbye, and others take over (2000)
 */
import { backoff } from '../../dist/connection/backoff.js'

const [pages, handshakes = 3000, away = '2000'] = process.argv.slice(2).map((text) => Number(text) || text)

/** The limits of the client: see src/connection/timing.ts. */
const OPEN_TIMEOUT = 10_000
/** The time over which relays that shut down spread their pages (ms): see examples/relay/connection/drain.ts. */
const DRAIN = Math.min(Math.max(pages / Math.max(1, handshakes / 3000), 1000), 5000)
/** The resolution of the virtual time (ms). */
const STEP = 10
const TENTH = 100

const chance = createChance(1)
/** The attempts of each step: how often each page has failed before. */
const attempts = new Map()
const returnsAt = away === 'drained' ? 0 : Number(away)
/** Until when the relays are busy with earlier handshakes. */
let busyUntil = returnsAt
let [failed, longest] = [0, 0]
const back = []

for (let page = 0; page < pages; page += 1) {
  plan(away === 'drained' ? chance() * DRAIN : backoff(0, chance(), 0), 0)
}
for (let step = 0; attempts.size > 0; step += 1) {
  const due = attempts.get(step) ?? []
  attempts.delete(step)
  for (const failures of due) attempt(step * STEP, failures)
}

const perTenth = new Map()
for (const time of back) {
  const tenth = Math.floor(time / TENTH)
  perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1)
}
const sorted = back.toSorted((a, b) => a - b)
const result = {
  pages,
  handshakes,
  away,
  /** Since the relays answer (ms). */
  half: Math.round(sorted[Math.floor(pages / 2)]),
  all: Math.round(sorted.at(-1)),
  /** Welcomed pages in the busiest tenth of a second, of all. */
  peak: Math.max(...perTenth.values()),
  largestShare: Math.max(...perTenth.values()) / pages,
  /** The longest time between an attempt and its welcome (ms). */
  longest: Math.round(longest),
  /** Attempts that met no relay, or one that was too busy. */
  failed,
}
process.stdout.write(`${JSON.stringify(result)}\n`)

/** Plans an attempt at a time since the loss of the connection (ms). */
function plan(time, failures) {
  const step = Math.ceil(time / STEP)
  const list = attempts.get(step)
  if (list) list.push(failures)
  else attempts.set(step, [failures])
}

function attempt(time, failures) {
  if (time < returnsAt) return retry(time, failures)
  busyUntil = Math.max(busyUntil, time) + 1000 / handshakes
  const wait = busyUntil - time
  // The relay has worked in vain for a client that gave up.
  if (wait > OPEN_TIMEOUT) return retry(time + OPEN_TIMEOUT, failures)
  longest = Math.max(longest, wait)
  back.push(busyUntil - returnsAt)
}

function retry(time, failures) {
  failed += 1
  plan(time + backoff(time, chance(), failures + 1), failures + 1)
}

/** Returns random numbers from 0 to 1 that repeat for a seed (mulberry32). */
function createChance(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
