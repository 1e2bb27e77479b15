import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSignalClient, type SignalClient } from '../../src/index.js'
import { decodeClientFrame, decodeRelayFrame } from '../../src/protocol/codec.js'
import { isName } from '../../src/protocol/names.js'
import { HOSTILE_TEXT } from './hostile.js'
import { createMemoryConnection } from './memory-connection.js'
import { startMemoryRelay, type MemoryRelay } from './memory-relay.js'
import { readPrototypes } from './prototypes.js'
import { RUNS } from './runs.js'
import { pass, startVirtualTime, stopVirtualTime } from './virtual-time.js'

describe('data', () => {
  let relay: MemoryRelay
  let client: SignalClient
  const received: unknown[] = []

  beforeEach(async () => {
    startVirtualTime(1)
    relay = startMemoryRelay({ history: 1000, rooms: [], onLogged: () => undefined, onFailure: raise })
    vi.stubGlobal('WebSocket', function WebSocket(url: string) {
      const connection = createMemoryConnection({
        url,
        onSent: () => undefined,
        onArrived: (_text, handle) => handle(),
        onThrow: raise,
      })
      setTimeout(() => relay.take(connection), 1)
      return connection.page
    })
    client = createSignalClient({ url: 'ws://relay.test/signals', connect: 'manual', onError: raise })
    client.receiveSignal('Saved', (data) => received.push(data))
    client.connect()
    await pass(20)
  })

  afterEach(async () => {
    client.close()
    relay.kill()
    await pass(20)
    vi.unstubAllGlobals()
    stopVirtualTime()
  })

  /** Sends data, and gives what a receiver gets. */
  async function travel(data: unknown): Promise<unknown> {
    received.length = 0
    const result = client.sendSignal('Saved', data as null)
    await pass(3)
    expect([received.length, (await result).outcome]).toEqual([1, 'accepted'])
    return received[0]
  }

  it('of any JSON form arrives as it was sent, but for keys __proto__ (P1.7) and the sign of zero', () =>
    fc.assert(
      fc.asyncProperty(fc.jsonValue({ stringUnit: 'binary' }), async (data) => {
        expect(await travel(data)).toEqual(asJson(data))
      }),
      RUNS.values,
    ))

  it('of any text arrives as it was sent, halves of surrogate pairs included', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(0xffff)), async (units) => {
        const text = String.fromCharCode(...units)
        expect(await travel({ [text]: text })).toEqual(asJson({ [text]: text }))
      }),
      RUNS.values,
    ))
})

describe('names', () => {
  it('are taken if and only if they match the rule', () => {
    const letters = 'abzABZ019_.:- \n\u00e9'
    const near = fc.string({ unit: fc.constantFrom(...letters), maxLength: 130 })
    fc.assert(
      fc.property(
        fc.oneof(
          near,
          near.map((rest) => `a${rest}`),
          fc.string(),
          HOSTILE_TEXT,
        ),
        (text) => {
          expect(isName(text)).toBe(obeysNameRule(text))
        },
      ),
      RUNS.texts,
    )
  })
})

describe('any text', () => {
  it('is decoded without a throw, and changes no prototype', () => {
    const before = readPrototypes()
    fc.assert(
      fc.property(fc.oneof(HOSTILE_TEXT, fc.string({ unit: 'binary' }), fc.json()), (text) => {
        for (const frame of [decodeRelayFrame(text), decodeClientFrame(text)]) {
          expect(typeof frame.type).toBe('string')
          expect(Object.getPrototypeOf(frame)).toBe(Object.prototype)
        }
      }),
      RUNS.texts,
    )
    expect(readPrototypes()).toEqual(before)
  })
})

/** The rule of P1.6 once more, by hand. */
function obeysNameRule(text: string): boolean {
  const isLetter = (sign: string): boolean => (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z')
  const isOther = (sign: string): boolean => (sign >= '0' && sign <= '9') || '_.:-'.includes(sign)
  const signs = text.split('')
  return signs.length <= 128 && isLetter(signs[0] ?? '') && signs.every((sign) => isLetter(sign) || isOther(sign))
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, part: unknown) => (key === '__proto__' ? undefined : part))
}

function raise(error: unknown): never {
  throw error
}
