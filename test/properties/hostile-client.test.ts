import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { connect, startRelay } from '../relay/protocol-client.js'
import { CLIENT_FRAMES, createHostility, RELAY_FRAMES } from './hostile.js'
import { maskedFrame, openRaw } from './raw-socket.js'
import { IS_FULL, SEED } from './runs.js'
import { createChance } from './virtual-time.js'

const FRAMES = IS_FULL ? 200_000 : 5000
const AT_ONCE = 8
/** What may end a connection that breaks the rules; none at all where there was no WebSocket yet. */
const GOOD_CODES = new Set([undefined, 1000, 1002, 1003, 1005, 1006, 1007, 1009, 4400, 4426])

it(`a relay survives ${FRAMES} frames from raw sockets, and serves a healthy page beside them (seed ${SEED})`, async () => {
  const errors: unknown[] = []
  const silent = (): void => undefined
  const logger = { debug: silent, info: silent, warn: silent, error: (...all: unknown[]) => errors.push(all) }
  const { url, port } = await startRelay({ open: true, logger, maxConnections: 0, helloTimeout: 500 })
  const healthy = await connect(url, { rooms: ['healthy'] })
  await healthy.next('joined')

  const chance = createChance(SEED)
  const hostile = createHostility([...CLIENT_FRAMES, ...CLIENT_FRAMES, ...RELAY_FRAMES], chance)
  const codes = new Map<number | undefined, number>()
  const seen = { frames: 0, connections: 0 }
  const slow: number[] = []

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
      slow.push(performance.now() - since)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }

  const sent: string[] = []
  async function live(): Promise<void> {
    while (seen.frames < FRAMES) {
      sent.push(healthy.signal('Saved', sent.length, 'healthy'))
      await sleep(20)
    }
  }

  await Promise.all([live(), ...Array.from({ length: AT_ONCE }, besiege)])
  const heard = await healthy.heard(sent.length)
  await healthy.level()
  console.info(`${seen.connections} connections, codes ${JSON.stringify([...codes])}, ${sent.length} healthy signals`)

  expect(errors).toEqual([])
  expect([...codes.keys()].filter((code) => !GOOD_CODES.has(code))).toEqual([])
  expect(heard.map(({ id }) => id)).toEqual(sent)
  const accepted = healthy.frames.flatMap((frame) => (frame.type === 'accepted' ? frame.ids : []))
  expect(accepted).toEqual(sent)
  // The relay is not in a hurry to let go, but it does.
  expect(Math.max(...slow)).toBeLessThan(5000)
  const health = await fetch(`http://127.0.0.1:${port}/health`)
  expect(await health.json()).toMatchObject({ status: 'ok', connections: 1 })
})
