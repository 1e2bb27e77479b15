import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createChance } from './chance.js'
import { count, type Counts, type Heard, type Published } from './counters.js'
import { createFrameRules, type FrameRule } from './frame-rules.js'
import { type ProxyOptions, startProxy } from './proxy.js'
import { until } from './waiting.js'
import { createFrameReader, textFrame } from './websocket-frames.js'

const chance = createChance(1)

const PUBLISHED = [1, 2, 3].map((number): Published => ({
  publisher: 'p',
  number,
  room: 'main',
  outcome: 'accepted',
  id: `id${number}`,
  runNumber: 1,
}))
const LOGGED = new Map([1, 2, 3].map((number) => [`id${number}`, [{ epoch: 'a', offset: number }]]))
const EPOCHS = new Map([['main', ['a', 'b'].map((epoch, index) => ({ epoch, runNumber: index + 1 }))]])

function handled(number: number): Heard {
  const place = { epoch: 'a', offset: number }
  return { type: 'signal', room: 'main', id: `id${number}`, publisher: 'p', number, place }
}

/** The counters that are not zero when the one receiver was told this. */
function wrongWith(heard: readonly Heard[], published: readonly Published[] = PUBLISHED): Partial<Counts> {
  const counts = count({ published, heard: new Map([['r', heard]]), logged: LOGGED, epochs: EPOCHS })
  const { LOST, COVERED, DUP, ORDER, FIFO, PHANTOM, GAPS, UNSETTLED } = counts
  const all = { LOST, COVERED, DUP, ORDER, FIFO, PHANTOM, GAPS, UNSETTLED }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value > 0))
}

const ONE = handled(1)
const TWO = handled(2)
const THREE = handled(3)
const TRIMMED: Heard = { type: 'gap', room: 'main', from: { epoch: 'a', offset: 1 }, to: { epoch: 'a', offset: 2 } }
const NEW_EPOCH: Heard = { type: 'gap', room: 'main', from: { epoch: 'a', offset: 1 }, to: { epoch: 'b', offset: 0 } }

describe('the counters', () => {
  it.each<[string, Heard[], Partial<Counts>]>([
    ['nothing where nothing is wrong', [ONE, TWO, THREE], {}],
    ['a signal that never came', [ONE, THREE], { LOST: 1 }],
    ['one that a gap covers', [ONE, TRIMMED, THREE], { COVERED: 1, GAPS: 1 }],
    ['a gap that was told too late', [ONE, THREE, TRIMMED], { LOST: 1, GAPS: 1 }],
    ['a gap elsewhere', [TRIMMED, TWO, THREE], { LOST: 1, GAPS: 1 }],
    ['the end of a life', [ONE, NEW_EPOCH], { COVERED: 2, GAPS: 1 }],
    ['one that came twice', [ONE, TWO, TWO, THREE], { DUP: 1, ORDER: 1 }],
    ['two in the wrong order', [ONE, THREE, TWO], { ORDER: 1, FIFO: 1 }],
    ['one that nobody sent', [ONE, TWO, THREE, handled(9)], { PHANTOM: 1 }],
  ])('count %s', (_name, heard, expected) => {
    expect(wrongWith(heard)).toEqual(expected)
  })

  it('count what was handled though its publisher was told that it would not be, and what was never told', () => {
    const refused = PUBLISHED.map((signal): Published => ({ ...signal, outcome: 'refused' }))
    const untold = PUBLISHED.map(({ publisher, number, room }): Published => ({ publisher, number, room }))
    expect(wrongWith([ONE], refused)).toEqual({ PHANTOM: 1 })
    expect(wrongWith([ONE], untold)).toEqual({ UNSETTLED: 3 })
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
  await until(() => proxy.connections.size === 1 && atServer.length === 1, 5000)
  const heard = (): string => Buffer.concat(pieces).toString()
  return { proxy, socket, pieces, failures, heard, connection: [...proxy.connections][0] }
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
    const { socket, heard, connection } = await setUp()
    connection?.stall(way)
    socket.write('held up')
    const came = await until(() => heard() !== '', 200)
    connection?.heal()
    await until(() => heard() === 'held up', 5000)
    expect({ came, heard: heard() }).toEqual({ came: false, heard: 'held up' })
  })

  it('cuts a connection, cleanly or with a reset', async () => {
    const [destroyed, reset] = await Promise.all([setUp(), setUp()])
    destroyed.connection?.cut()
    reset.connection?.cut('reset')
    await until(() => destroyed.socket.closed && reset.socket.closed, 5000)
    expect([destroyed.failures, reset.failures]).toEqual([[], ['ECONNRESET']])
    expect(reset.proxy.connections.size).toBe(0)
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
