import { connect, type Socket } from 'node:net'

/** A TCP connection that says exactly the bytes that it is given. */
export interface RawSocket {
  readonly socket: Socket
  /** Resolves when the other side has ended it: with the code of its close frame, if it sent one. */
  readonly ended: Promise<number | undefined>
}

/** Opens a connection; with `isUpgraded`, it has asked for a WebSocket and got it. */
export async function openRaw(
  port: number,
  isUpgraded: boolean,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let heard: Buffer = Buffer.alloc(0)
  let isOpen = false
  const opened = deferred()
  socket.on('data', (bytes) => {
    heard = Buffer.concat([heard, bytes])
    const head = isOpen ? -1 : heard.indexOf('\r\n\r\n')
    if (head < 0) return
    isOpen = true
    heard = heard.subarray(head + 4)
    opened.resolve()
  })
  const ended = new Promise<number | undefined>((resolve) => {
    socket.on('close', () => {
      opened.resolve()
      resolve(closeCode(heard))
    })
  })
  if (isUpgraded) {
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`${HANDSHAKE}${more.join('')}\r\n`)
    await opened.promise
  }
  return { socket, ended }
}

/** One WebSocket frame as a client writes it: masked. */
export function maskedFrame(text: string, mask: number, first = 0x81): Buffer {
  const payload = Buffer.from(text)
  const head = headOf(payload.length, first)
  const key = Buffer.alloc(4)
  key.writeUInt32BE(mask)
  for (const index of payload.keys()) payload[index] = (payload[index] ?? 0) ^ (key[index % 4] ?? 0)
  return Buffer.concat([head, key, payload])
}

const HANDSHAKE = [
  'GET /signals HTTP/1.1',
  'Host: 127.0.0.1',
  'Origin: http://localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
].join('\r\n')

function headOf(length: number, first: number): Buffer {
  if (length < 126) return Buffer.from([first, 0x80 | length])
  const head = Buffer.alloc(length < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = 0x80 | (length < 65_536 ? 126 : 127)
  if (length < 65_536) head.writeUInt16BE(length, 2)
  else head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

/** Finds the close frame among the frames of a server. */
function closeCode(bytes: Buffer): number | undefined {
  for (let start = 0; start + 2 <= bytes.length;) {
    const mark = bytes[start + 1] ?? 0
    const head = { 126: 4, 127: 10 }[mark] ?? 2
    if (start + head > bytes.length) return undefined
    const length = { 4: () => bytes.readUInt16BE(start + 2), 10: () => Number(bytes.readBigUInt64BE(start + 2)) }[head]
    if (bytes[start] === 0x88) return bytes.length >= start + 4 ? bytes.readUInt16BE(start + 2) : undefined
    start += head + (length?.() ?? mark)
  }
  return undefined
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let settle: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { promise, resolve: () => settle() }
}
