import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createChance } from './chance.js'
import { count, type Book, type Heard, type Place, type Published } from './counters.js'
import { createFrameRules, type FrameRule } from './frame-rules.js'
import { type ProxyOptions, startProxy } from './proxy.js'
import { until } from './waiting.js'
import { createFrameReader, textFrame } from './websocket-frames.js'

const chance = createChance(1)

/** Three signals, each accepted, logged, and handled by one receiver. */
function soundBook(): Book & { readonly published: Published[]; readonly heard: Map<string, Heard[]> } {
  const published = [1, 2, 3].map((number): Published => ({
    publisher: 'p',
    number,
    room: 'main',
    outcome: 'accepted',
    id: `id${number}`,
    life: 1,
  }))
  const heard = [1, 2, 3].map((number) => handled(number, { epoch: 'a', offset: number }))
  return {
    published,
    heard: new Map([['r', heard]]),
    logged: new Map([1, 2, 3].map((number) => [`id${number}`, [{ epoch: 'a', offset: number }]])),
    epochs: new Map([
      [
        'main',
        [
          { epoch: 'a', life: 1 },
          { epoch: 'b', life: 2 },
        ],
      ],
    ]),
  }
}

function handled(number: number, place: Place): Heard {
  return { type: 'signal', room: 'main', id: `id${number}`, publisher: 'p', number, place }
}

/** The counters that are not zero when the receiver was told this instead. */
function wrongWhen(change: (heard: Heard[], published: Published[]) => Heard[]): Record<string, number> {
  const book = soundBook()
  const { LOST, COVERED, DUP, ORDER, FIFO, PHANTOM, GAPS, UNSETTLED } = count({
    ...book,
    heard: new Map([['r', change(book.heard.get('r') ?? [], book.published)]]),
  })
  const all = { LOST, COVERED, DUP, ORDER, FIFO, PHANTOM, GAPS, UNSETTLED }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value > 0))
}

const TRIMMED: Heard = { type: 'gap', room: 'main', from: { epoch: 'a', offset: 1 }, to: { epoch: 'a', offset: 2 } }
const NEW_EPOCH: Heard = { type: 'gap', room: 'main', from: { epoch: 'a', offset: 1 }, to: { epoch: 'b', offset: 0 } }

describe('the counters', () => {
  it('find nothing wrong where nothing is', () => {
    expect(wrongWhen((heard) => heard)).toEqual({})
  })

  it.each<[string, Parameters<typeof wrongWhen>[0], Record<string, number>]>([
    ['a signal that never came', ([one, , three]) => [one, three] as Heard[], { LOST: 1 }],
    ['one that a gap covers', ([one, , three]) => [one, TRIMMED, three] as Heard[], { COVERED: 1, GAPS: 1 }],
    ['a gap that was told too late', ([one, , three]) => [one, three, TRIMMED] as Heard[], { LOST: 1, GAPS: 1 }],
    ['a gap elsewhere', ([, two, three]) => [TRIMMED, two, three] as Heard[], { LOST: 1, GAPS: 1 }],
    ['the end of a life', ([one]) => [one, NEW_EPOCH] as Heard[], { COVERED: 2, GAPS: 1 }],
    ['one that came twice', ([one, two, three]) => [one, two, two, three] as Heard[], { DUP: 1, ORDER: 1 }],
    ['two in the wrong order', ([one, two, three]) => [one, three, two] as Heard[], { ORDER: 1, FIFO: 1 }],
    ['one that nobody sent', (heard) => [...heard, handled(9, { epoch: 'a', offset: 4 })], { PHANTOM: 1 }],
    [
      'one that its publisher holds for refused',
      (heard, published) => {
        Object.assign(published[2] ?? {}, { outcome: 'refused' })
        return heard
      },
      { PHANTOM: 1 },
    ],
    [
      'a promise that never settled',
      (heard, published) => {
        Object.assign(published[2] ?? {}, { outcome: undefined })
        return heard
      },
      { UNSETTLED: 1 },
    ],
  ])('count %s', (_name, change, expected) => {
    expect(wrongWhen(change)).toEqual(expected)
  })
})

/** A server that answers with what it gets, behind a proxy. */
async function setUp(options: Partial<ProxyOptions> = {}) {
  const atServer: Socket[] = []
  const server = createServer((socket) => {
    atServer.push(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const proxy = await startProxy({
    target: () => (typeof address === 'object' ? address?.port : undefined),
    chance,
    ...options,
  })
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  const pieces: Buffer[] = []
  const failures: string[] = []
  socket.on('data', (bytes: Buffer) => pieces.push(bytes))
  socket.on('error', (error: NodeJS.ErrnoException) => failures.push(error.code ?? ''))
  onTestFinished(async () => {
    socket.destroy()
    await proxy.close()
    server.close()
  })
  await until(() => proxy.lines.size === 1 && atServer.length === 1, 5000)
  const heard = (): string => Buffer.concat(pieces).toString()
  return { proxy, socket, pieces, failures, heard, line: [...proxy.lines][0] }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'.repeat(20)

describe('the proxy', () => {
  it('passes bytes in pieces of 1 to 5, all of them and in order', async () => {
    const { proxy, socket, heard, pieces } = await setUp()
    proxy.shape({ isSplit: true })
    socket.write(LETTERS)
    await until(() => heard().length === LETTERS.length, 5000)
    expect(heard()).toBe(LETTERS)
    expect(pieces.length).toBeGreaterThan(LETTERS.length / 10)
  })

  it('keeps the order whatever the latency', async () => {
    const { proxy, socket, heard } = await setUp()
    proxy.shape({ latency: [0, 20] })
    for (const letter of LETTERS) {
      socket.write(letter)
      await new Promise(setImmediate)
    }
    await until(() => heard().length === LETTERS.length, 5000)
    expect(heard()).toBe(LETTERS)
  })

  it.each(['both', 'toRelay', 'toClient'] as const)('holds up what passes (%s) until it is healed', async (way) => {
    const { socket, heard, line } = await setUp()
    line?.stall(way)
    socket.write('held up')
    const came = await until(() => heard() !== '', 200)
    line?.heal()
    await until(() => heard() === 'held up', 5000)
    expect({ came, heard: heard() }).toEqual({ came: false, heard: 'held up' })
  })

  it('cuts a line, cleanly or with a reset', async () => {
    const [destroyed, reset] = await Promise.all([setUp(), setUp()])
    destroyed.line?.cut()
    reset.line?.cut('reset')
    await until(() => destroyed.socket.closed && reset.socket.closed, 5000)
    expect([destroyed.failures, reset.failures]).toEqual([[], ['ECONNRESET']])
    expect(reset.proxy.lines.size).toBe(0)
  })

  it('lets nobody through while it refuses', async () => {
    const { proxy } = await setUp()
    proxy.refuse(true)
    const socket = connect({ port: proxy.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    expect(await until(() => socket.closed, 5000)).toBe(true)
  })
})

/** What comes out of frame rules, in order; what overtakes is marked. */
function treated(treat: FrameRule['treat']): string[] {
  const rules = createFrameRules([{ from: 'relay', type: 'accepted', treat }])
  const reader = createFrameReader()
  const out: string[] = []
  const write =
    (mark: string) =>
    (bytes: Buffer, delay = 0) => {
      out.push(`${mark}${delay ? `${delay} ` : ''}${bytes.subarray(2).toString()}`)
    }
  const outlet = { push: write(''), pushAstray: write('astray '), closeWith: write('closed ') }
  const texts = ['{"type":"accepted"}', '{"type":"beat"}']
  const bytes = Buffer.concat([Buffer.from('HTTP/1.1 101\r\n\r\n'), ...texts.map((text) => textFrame(text, false))])
  // Byte by byte, as the worst network would.
  for (let index = 0; index < bytes.length; index += 1) {
    for (const frame of reader.read(bytes.subarray(index, index + 1))) rules.apply('relay', frame, outlet)
  }
  return out.slice(1)
}

describe('the frame rules', () => {
  const accepted = '{"type":"accepted"}'
  const beat = '{"type":"beat"}'

  it.each<[ReturnType<FrameRule['treat']>, string[]]>([
    [{ do: 'pass' }, [accepted, beat]],
    [{ do: 'suppress' }, [beat]],
    [{ do: 'delay', by: 5, keepsOrder: true }, [`5 ${accepted}`, beat]],
    [{ do: 'delay', by: 5, keepsOrder: false }, [`astray 5 ${accepted}`, beat]],
    [{ do: 'duplicate', copies: 2 }, [accepted, accepted, accepted, beat]],
    [{ do: 'duplicate', after: 7 }, [accepted, `astray 7 ${accepted}`, beat]],
    [{ do: 'replace', text: '{}' }, ['{}', beat]],
    [{ do: 'close', code: 0x4142, reason: 'C' }, ['closed ABC', beat]],
  ])('can do %j', (treatment, expected) => {
    expect(treated(() => treatment)).toEqual(expected)
  })

  it('count the frames of a type', () => {
    const counts: number[] = []
    treated((count) => {
      counts.push(count)
      return { do: 'pass' }
    })
    expect(counts).toEqual([1])
  })

  it.each([0, 125, 126, 65_535, 65_536])('read a frame of %i bytes that a client masked', (size) => {
    const text = 'x'.repeat(size)
    const reader = createFrameReader()
    reader.read(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    expect(reader.read(textFrame(text, true)).map((frame) => frame.text)).toEqual([text])
  })
})
