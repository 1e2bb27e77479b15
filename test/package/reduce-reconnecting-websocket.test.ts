import { build } from 'esbuild'
import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { reduce } from '../../.build/reduce-reconnecting-websocket.js'
import * as original from '../../src/connection/socket.js'
import { ROOT } from './root.js'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const SOURCE = 'node_modules/reconnecting-websocket/dist/reconnecting-websocket-mjs.js'
const REDUCED = 'dist/connection/reconnecting-websocket.js'

const reduced = (await import(join(ROOT, 'dist/connection/socket.js'))) as typeof original

describe('the reduction of reconnecting-websocket', () => {
  const source = read(SOURCE).replaceAll('\r\n', '\n')

  it('fails for another release, and says what to do', () => {
    expect(() => reduce(source, '4.4.1')).toThrow(
      'Expected reconnecting-websocket 4.4.0, found 4.4.1. Install that release again, or adapt the edits',
    )
  })

  it.each([
    ['a line is not there', "            _this._debug('open event');\n", ''],
    ['a line is there twice', '        this._messageQueue = [];\n', '$&$&'],
    ['a line has changed', 'clearTimeout(this._uptimeTimeout)', 'clearTimeout(_this._uptimeTimeout)'],
    ['a method has another name', 'prototype.reconnect =', 'prototype.reconnectNow ='],
    ['a block ends otherwise', '    debug: false,\n};', '    debug: false,\n}'],
  ])('fails if %s, and says what to do', (_case, text, other) => {
    expect(source).toContain(text)
    expect(() => reduce(source.replace(text, other), '4.4.0')).toThrow(
      /^Expected .* in reconnecting-websocket \d+ times?, found it \d+ times?\. Install that release again, or adapt/,
    )
  })

  it('leaves every line where it was', () => {
    const lines = reduce(source, '4.4.0').split('\n')
    const sourceLines = source.split('\n')
    const changed = lines.filter((line, index) => line !== '' && line !== sourceLines[index])
    expect(lines).toHaveLength(sourceLines.length)
    // Changed in place: no line of the package is among them.
    expect(changed.filter((line) => sourceLines.includes(line))).toEqual([])
    expect(changed).toHaveLength(13)
  })
})

describe('the module of reconnecting-websocket in the package', () => {
  const text = read(REDUCED)

  it('has the copyright notice, which bundlers keep', () => {
    expect(text).toMatch(/^\/\*! reconnecting-websocket 4\.4\.0.* Copyright \(c\) 2018 Pedro Ladaria, MIT License \*\//)
  })

  it('maps its lines to those of the package', () => {
    const map = new SourceMap(JSON.parse(read(`${REDUCED}.map`)) as SourceMapPayload)
    const lines = text.split('\n')
    const sourceLines = read(SOURCE).split(/\r?\n/)
    // The other methods have shorter names.
    for (const method of ['close', 'send']) {
      const isMethod = (line: string): boolean => line.includes(`.prototype.${method} = function`)
      const { originalLine, originalSource } = map.findEntry(lines.findIndex(isMethod), 2) as {
        originalLine: number
        originalSource: string
      }
      expect([originalSource, originalLine]).toEqual([`../../${SOURCE}`, sourceLines.findIndex(isMethod)])
    }
  })

  it('leaves nothing in a bundle that does not use it', async () => {
    const module = text.replace(/export \{[^}]*\};/, '')
    expect(module).not.toBe(text)
    const { outputFiles } = await build({
      stdin: { contents: module },
      bundle: true,
      format: 'esm',
      legalComments: 'none',
      write: false,
    })
    expect(outputFiles[0]?.text).toBe('')
  })
})

/** Everything that happens to a socket, or that it does, in order. */
let trace: string[]

/** A WebSocket whose server is the test. */
class FakeWebSocket extends EventTarget {
  static current: FakeWebSocket | undefined
  readyState = 0

  constructor(url: string) {
    super()
    trace.push(`new ${url}`)
    FakeWebSocket.current = this
  }

  send(data: unknown): void {
    trace.push(`send ${String(data)}`)
  }

  /** The reduced class leaves out the reason, and closes a closed socket again, which does nothing. */
  close(code: number): void {
    if (this.readyState >= 2) return
    trace.push(`close ${code}`)
    this.readyState = 2
  }

  emit(type: string, fields: object, readyState = this.readyState): void {
    // A socket that is closing opens no more.
    if (readyState < this.readyState) return
    this.readyState = readyState
    this.dispatchEvent(Object.assign(new Event(type), fields))
  }
}

type Step = (socket: original.Socket, native: FakeWebSocket | undefined) => Promise<unknown> | void

/** The original class begins its attempt in a timer, the reduced one in a microtask. */
const BEGIN = 'the attempt begins'

const STEPS: Readonly<Record<string, Step>> = {
  [BEGIN]: () => vi.advanceTimersByTimeAsync(1),
  'six seconds pass': () => vi.advanceTimersByTimeAsync(6000),
  'the server accepts': (_socket, native) => native?.emit('open', {}, 1),
  'text arrives': (_socket, native) => native?.emit('message', { data: 'text' }),
  'binary data arrives': (_socket, native) => native?.emit('message', { data: new Blob([]) }),
  'the connection fails': (_socket, native) => native?.emit('error', {}),
  'the connection fails with a text': (_socket, native) => native?.emit('error', { message: 'TIMEOUT' }),
  'the connection breaks': (_socket, native) => native?.emit('close', { code: 1006, reason: '' }, 3),
  'the server closes': (_socket, native) => native?.emit('close', { code: 4403, reason: 'origin' }, 3),
  'the page sends': (socket) => socket.send('frame'),
  'the page closes': (socket) => socket.close(),
}

/** The trace of a socket that goes through some steps. */
async function traceOf(open: typeof original.openSocket, steps: readonly string[]): Promise<string[]> {
  trace = []
  FakeWebSocket.current = undefined
  const socket = open('wss://relay.example/', {
    onOpen: () => trace.push('onOpen'),
    onHelloNeeded: () => undefined,
    onText: (text) => trace.push(`onText ${text}`),
    onClose: (code, reason) => trace.push(`onClose ${code} ${reason}`),
  })
  for (const step of steps) {
    if (step !== BEGIN) trace.push(step)
    await STEPS[step]?.(socket, FakeWebSocket.current)
  }
  await vi.advanceTimersByTimeAsync(20_000)
  return trace
}

describe('a socket with the reduced class', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    vi.stubGlobal('WebSocket', FakeWebSocket)
  })

  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('does in every order of events what one with the original class does', async () => {
    const steps = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(steps, async (rest) => {
        // The page may act before the attempt begins.
        for (const first of [[], ['the page closes'], ['the page sends'], [BEGIN, 'the server accepts']]) {
          const all = [...first, BEGIN, ...rest]
          expect(await traceOf(reduced.openSocket, all)).toEqual(await traceOf(original.openSocket, all))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('dials in the very task, while timers of a page that is being parsed come late', async () => {
    trace = []
    reduced.openSocket('wss://relay.example/', {
      onOpen: () => undefined,
      onHelloNeeded: () => undefined,
      onText: () => undefined,
      onClose: () => undefined,
    })
    await Promise.resolve()
    expect(trace).toEqual(['new wss://relay.example/'])
  })

  it('leaves no timer behind', async () => {
    await traceOf(reduced.openSocket, [BEGIN, 'the server accepts'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['original', original.openSocket],
    ['reduced', reduced.openSocket],
  ])('tells a constructor that throws as 1006: the %s class', async (_name, open) => {
    vi.stubGlobal('WebSocket', function Throwing() {
      throw new Error('SecurityError')
    })
    expect(await traceOf(open, [BEGIN])).toContain('onClose 1006 not allowed here')
  })
})
