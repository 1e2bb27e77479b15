import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { join, pageId, startRelay } from './protocol-client.js'

const run = promisify(execFile)

const OFFER = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
const PUBLISH = 'Host: localhost\r\nAuthorization: Bearer s3cret\r\nContent-Type: application/json\r\n'
/** The compiler comes with a development kit only. */
const HAS_JAVA = /jdk\.compiler/.test(spawnSync('java', ['--list-modules'], { encoding: 'utf8' }).stdout ?? '')

async function start() {
  const relay = await startRelay({ publishKey: [{ name: 'shop', secret: 's3cret' }], maxBytes: 65_536 })
  return { ...relay, page: relay.page, listener: await join(relay.url) }
}

interface Dialog {
  readonly socket: Socket
  write(text: string): void
  heard(): string
  /** Resolves when so many answers to requests have come. */
  answers(count: number): Promise<string[]>
}

async function dial(port: number): Promise<Dialog> {
  const socket = connectTcp(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (bytes) => (heard += bytes.toString('latin1')))
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  const statuses = (): string[] =>
    [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => `${status}`).filter((status) => status !== '100')
  return {
    socket,
    write: (text) => void socket.write(text),
    heard: () => heard,
    answers: (count) =>
      vi.waitUntil(() => (statuses().length >= count || socket.closed ? statuses() : undefined), { timeout: 20_000 }),
  }
}

/** A body that is as long as it may be, or one character longer. */
function body(length: number): string {
  return `{"signal":"Saved","data":"${'x'.repeat(length - 28)}"}`
}

describe('a request that offers h2c', () => {
  it('P11.10 is answered as HTTP/1.1 on every path, again and again on one connection, without a warning', async () => {
    const { port } = await start()
    const warned = vi.fn()
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const { write, answers, heard } = await dial(port)
    const paths = ['/health', '/ready', '/metrics', '/publish', '/nothing', '/signals', '/dashboard']
    const expected = ['200', '200', '404', '405', '404', '426', '404']
    for (let round = 0; round < 5; round += 1) {
      for (const [index, path] of paths.entries()) {
        // The relay closes after a wrong method.
        if (path === '/publish') continue
        const before = (heard().match(/HTTP\/1\.1 \d/g) ?? []).length
        write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${OFFER}\r\n`)
        expect((await answers(before + 1)).at(-1)).toBe(expected[index])
      }
    }
    expect(heard()).not.toMatch(/^upgrade: h2c/im)
    expect(warned).not.toHaveBeenCalled()
  })

  it.each([
    ['in one piece', [1]],
    ['in pieces', [0.001, 0.5, 0.9999, 1]],
  ])('brings a body of the largest size %s', async (_, parts) => {
    const { port, listener } = await start()
    const { write, answers } = await dial(port)
    const text = `POST /publish HTTP/1.1\r\n${PUBLISH}${OFFER}Content-Length: 65536\r\n\r\n${body(65_536)}`
    let sent = 0
    for (const part of parts) {
      const end = Math.ceil(text.length * part)
      write(text.slice(sent, end))
      sent = end
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await answers(1)).toEqual(['200'])
    const [signal] = await listener.heard(1)
    expect(`${signal?.data}`).toHaveLength(65_536 - 28)
  })

  it('brings a body in chunks, and one that waits for 100 Continue', async () => {
    const { port, listener } = await start()
    const { write, answers, heard } = await dial(port)
    write(`POST /publish HTTP/1.1\r\n${PUBLISH}${OFFER}Transfer-Encoding: chunked\r\n\r\n`)
    write('12\r\n{"signal":"First"}\r\n0\r\n\r\n')
    expect(await answers(1)).toEqual(['200'])
    write(`POST /publish HTTP/1.1\r\n${PUBLISH}${OFFER}Expect: 100-continue\r\nContent-Length: 19\r\n\r\n`)
    await vi.waitUntil(() => heard().includes('100 Continue'))
    write('{"signal":"Second"}')
    expect(await answers(2)).toEqual(['200', '200'])
    expect((await listener.heard(2)).map(({ signal }) => signal)).toEqual(['First', 'Second'])
  })

  it('is told when its body is too large', async () => {
    const { port } = await start()
    const { write, answers } = await dial(port)
    write(`POST /publish HTTP/1.1\r\n${PUBLISH}${OFFER}Content-Length: 65537\r\n\r\n${body(65_537)}`)
    expect(await answers(1)).toEqual(['413'])
  })

  it('keeps its place among pipelined requests', async () => {
    const { port, listener } = await start()
    const { write, answers, heard } = await dial(port)
    const publish = (signal: string, more: string) =>
      `POST /publish HTTP/1.1\r\n${PUBLISH}${more}Content-Length: ${13 + signal.length}\r\n\r\n{"signal":"${signal}"}`
    const get = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'
    write([publish('A', ''), publish('B', OFFER), get, publish('C', OFFER), publish('D', OFFER), get].join(''))
    expect(await answers(6)).toEqual(Array(6).fill('200'))
    expect(heard().match(/"(ids|status)"/g)).toEqual(['"ids"', '"ids"', '"status"', '"ids"', '"ids"', '"status"'])
    expect((await listener.heard(4)).map(({ signal }) => signal)).toEqual(['A', 'B', 'C', 'D'])
  })

  it('leaves the connection to a WebSocket', async () => {
    const { port } = await start()
    const { write, answers } = await dial(port)
    write(`GET /health HTTP/1.1\r\nHost: localhost\r\n${OFFER}\r\n`)
    await answers(1)
    const key =
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: http://localhost\r\n'
    write(`GET /signals HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`)
    expect(await answers(2)).toEqual(['200', '101'])
  })

  it('gives back the place of its address when its connection ends', async () => {
    // An address may have 20 HTTP connections.
    const { port } = await startRelay({ trustProxy: 1, maxConnectionsPerAddress: 1 })
    for (let count = 0; count < 25; count += 1) {
      const { socket, write, answers } = await dial(port)
      write(`GET /nothing HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n${OFFER}\r\n`)
      expect(await answers(1)).toEqual(['404'])
      socket.end()
      await once(socket, 'close')
    }
  })

  it('takes farewells of pages', async () => {
    const { port, listener } = await start()
    const { write, answers } = await dial(port)
    const text = JSON.stringify({ v: 1, tab: pageId(), signals: [{ id: pageId(), signal: 'Saved' }] })
    const headers = 'Host: localhost\r\nOrigin: http://localhost\r\nContent-Type: text/plain\r\n'
    write(`POST /signals HTTP/1.1\r\n${headers}${OFFER}Content-Length: ${text.length}\r\n\r\n${text}`)
    expect([await answers(1), await listener.heard(1)]).toMatchObject([['200'], [{ signal: 'Saved' }]])
  })

  it('that is broken off does no harm', async () => {
    const { port, page } = await start()
    for (const length of [0, 5]) {
      const { socket, write } = await dial(port)
      write(`GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /publish HTTP/1.1\r\n${PUBLISH}${OFFER}`)
      write(`Content-Length: 1000\r\n\r\n${'x'.repeat(length)}`)
      socket.resetAndDestroy()
    }
    expect((await fetch(`${page}health`)).status).toBe(200)
  })

  it('comes from curl --http2, with any body', async () => {
    const { page, listener } = await start()
    const folder = await mkdtemp(joinPath(tmpdir(), 'relay-curl-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = joinPath(folder, 'body.json')
    await writeFile(file, body(65_536))
    const headers = ['-H', 'Authorization: Bearer s3cret', '-H', 'Content-Type: application/json']
    const post = ['--data-binary', `@${file}`, `${page}publish`]
    // One connection for all of them.
    const { stdout } = await run('curl', [
      '-sS',
      '--http2',
      ...headers,
      ...post,
      '--next',
      '-sS',
      '--http2',
      `${page}health`,
    ])
    expect(stdout).toMatch(/^{"ids":\["shop:[\w-]+"\]}{"status":"ok",/)
    expect(await listener.heard(1)).toHaveLength(1)
  })

  it.skipIf(!HAS_JAVA)("comes from Java's HttpClient, as it is by default", { timeout: 60_000 }, async () => {
    const { page, listener } = await start()
    const folder = await mkdtemp(joinPath(tmpdir(), 'relay-java-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = joinPath(folder, 'Publish.java')
    await writeFile(file, JAVA)
    const { stdout } = await run('java', [file, page])
    expect(stdout.trim().split('\n')).toEqual(['200 HTTP_1_1', '200 HTTP_1_1', '200 HTTP_1_1', '200 HTTP_1_1'])
    expect(await listener.heard(3)).toHaveLength(3)
  })
})

const JAVA = `
import java.net.URI;
import java.net.http.*;

class Publish {
  public static void main(String[] args) throws Exception {
    var client = HttpClient.newHttpClient();
    for (var count = 0; count < 3; count += 1) {
      var body = "{\\"signal\\":\\"Saved\\",\\"data\\":\\"" + "x".repeat(60000 * count) + "\\"}";
      var request = HttpRequest.newBuilder(URI.create(args[0] + "publish"))
        .header("Authorization", "Bearer s3cret").header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(count < 2 ? body : "{\\"signal\\":\\"Saved\\"}")).build();
      print(client.send(request, HttpResponse.BodyHandlers.ofString()));
    }
    print(client.send(HttpRequest.newBuilder(URI.create(args[0] + "health")).build(), HttpResponse.BodyHandlers.ofString()));
  }

  static void print(HttpResponse<String> response) {
    System.out.println(response.statusCode() + " " + response.version());
  }
}
`
