import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { createRelayProcess, removeBundle } from '../faults/relay-under-test.js'
import { residentBytes } from '../faults/resident-bytes.js'
import { connect } from '../relay/protocol-client.js'
import { CLIENT_FRAMES, createHostility, RELAY_FRAMES } from './hostile.js'
import { maskedFrame, openRaw } from './raw-socket.js'
import { HOSTILE_FRAMES as FRAMES, SEED } from './runs.js'
import { createChance } from './virtual-time.js'

afterAll(removeBundle)

const AT_ONCE = 8
/** What may end a connection that breaks the rules; none at all where there was no WebSocket yet. */
const GOOD_CODES = new Set([undefined, 1000, 1002, 1003, 1005, 1006, 1007, 1009, 4400, 4426])
const KEY = 'the-key-of-the-dashboard'
const MOST_GROWTH = 64 * 1024 * 1024
/** A thousand frames a second are slow, and the end is not part of it. */
const LIMIT = 60_000 + FRAMES

it(
  `a relay survives ${FRAMES} frames from raw sockets, and serves a healthy page beside them (seed ${SEED})`,
  async () => {
    // In a process of its own: nothing is caught for it, and what it holds is its own.
    const relay = createRelayProcess(['--max-connections', '0', '--dashboard-key', KEY])
    onTestFinished(() => relay.kill())
    await relay.start()
    const { pid, port = 0 } = relay
    const healthy = await connect(`ws://127.0.0.1:${port}/signals`, { rooms: ['healthy'] })
    await healthy.next('joined')
    const memory = { before: residentBytes(pid), most: 0 }

    const chance = createChance(SEED)
    const hostile = createHostility([...CLIENT_FRAMES, ...CLIENT_FRAMES, ...RELAY_FRAMES], chance)
    const codes = new Map<number | undefined, number>()
    const seen = { frames: 0, connections: 0 }
    let slowest = 0

    function attack(isNoisy: boolean): Buffer {
      seen.frames += 1
      if (isNoisy) return noise()
      // Mostly whole text frames; some are pieces, pings, binary or of no known kind.
      const first = chance() < 0.95 ? 0x81 : Math.floor(chance() * 256)
      return maskedFrame(hostile(), Math.floor(chance() * 2 ** 32), first)
    }

    function noise(): Buffer {
      return Buffer.from(Array.from({ length: 1 + Math.floor(chance() * 64) }, () => Math.floor(chance() * 256)))
    }

    async function besiege(): Promise<void> {
      while (seen.frames < FRAMES) {
        seen.connections += 1
        const { socket, ended } = await openRaw(port, chance() < 0.95)
        if (chance() < 0.8) socket.write(maskedFrame(JSON.stringify(CLIENT_FRAMES[0]), 1))
        // After bytes that are no frame at all nothing more is read: they come alone.
        const isNoisy = chance() < 1 / 8
        for (let count = chance() * 20; count > 0; count--) {
          socket.write(attack(isNoisy))
          if (chance() < 0.05) await sleep(1)
          if (socket.destroyed) break
        }
        const since = performance.now()
        // Who has broken no rule, or not ended its last frame, is still there.
        if (chance() < 0.5) socket.end()
        else setTimeout(() => socket.destroy(), 50)
        const code = await ended
        slowest = Math.max(slowest, performance.now() - since)
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
    }

    const sent: string[] = []
    async function live(): Promise<void> {
      while (seen.frames < FRAMES) {
        sent.push(healthy.signal('Saved', sent.length, 'healthy'))
        // A process that has just started grows in any case.
        if (seen.frames < FRAMES / 8) memory.before = residentBytes(pid)
        else memory.most = Math.max(memory.most, residentBytes(pid))
        await sleep(20)
      }
    }

    await Promise.all([live(), ...Array.from({ length: AT_ONCE }, besiege)])
    const heard = await healthy.heard(sent.length)
    await healthy.level()
    const grown = memory.most - memory.before
    console.info(
      `${seen.connections} connections, codes ${JSON.stringify([...codes])}, ${sent.length} healthy signals, ${Math.round(grown / 1024 / 1024)} MiB more`,
    )

    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })
    // What fails on a connection ends it with 4500, and what fails elsewhere ends the process.
    expect(await metrics.text()).toMatch(/^signalpost_closes_total\{code="4400"\}(?![^]*code="4500")/m)
    expect(relay.pid).toBe(pid)
    expect([...codes.keys()].filter((code) => !GOOD_CODES.has(code))).toEqual([])
    expect(heard.map(({ id }) => id)).toEqual(sent)
    const accepted = healthy.frames.flatMap((frame) => (frame.type === 'accepted' ? frame.ids : []))
    expect(accepted).toEqual(sent)
    // The relay is not in a hurry to let go of those who say nothing, but it does.
    expect(slowest).toBeLessThan(10_000)
    expect(Number.isNaN(grown) ? 0 : grown).toBeLessThan(MOST_GROWTH)
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    expect(await health.json()).toMatchObject({ status: 'ok', connections: 1 })
  },
  LIMIT,
)
