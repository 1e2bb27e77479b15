/** One WebSocket frame as it is on the wire, with its text when it is a whole text message. */
export interface WireFrame {
  readonly bytes: Buffer
  readonly text: string | undefined
}

export interface FrameReader {
  /** Takes bytes as they come, in pieces of any size; gives what is whole: first the HTTP head, then frame by frame. */
  read(bytes: Buffer): WireFrame[]
}

/** Cuts one direction of a WebSocket connection into frames. */
export function createFrameReader(): FrameReader {
  let rest: Buffer = Buffer.alloc(0)
  let isHead = true

  function takeHead(): WireFrame | undefined {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    isHead = false
    return { bytes: take(end + 4), text: undefined }
  }

  function takeFrame(): WireFrame | undefined {
    const [first, second] = rest
    if (first === undefined || second === undefined) return undefined
    const isMasked = second >= 0x80
    const sizeClass = second & 0x7f
    const sizeBytes = sizeClass === 127 ? 8 : Number(sizeClass === 126) * 2
    const start = 2 + sizeBytes + (isMasked ? 4 : 0)
    if (rest.length < start) return undefined
    // Of eight bytes the first two are zero in anything that fits into memory.
    const size = sizeBytes === 0 ? sizeClass : rest.readUIntBE(sizeBytes === 8 ? 4 : 2, Math.min(sizeBytes, 6))
    if (rest.length < start + size) return undefined
    const bytes = take(start + size)
    if (first !== TEXT) return { bytes, text: undefined }
    const payload = bytes.subarray(start)
    const text = isMasked ? masked(payload, bytes.subarray(start - 4, start)) : payload
    return { bytes, text: text.toString() }
  }

  function take(count: number): Buffer {
    const bytes = rest.subarray(0, count)
    rest = rest.subarray(count)
    return bytes
  }

  return {
    read(bytes) {
      rest = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes
      const frames: WireFrame[] = []
      for (;;) {
        const frame = isHead ? takeHead() : takeFrame()
        if (!frame) return frames
        frames.push(frame)
      }
    },
  }
}

/** Makes an unfragmented text frame; what clients send has to be masked. */
export function textFrame(text: string, isMasked: boolean): Buffer {
  return frameOf(TEXT, Buffer.from(text), isMasked)
}

/** Makes a close frame. */
export function closeFrame(code: number, reason: string, isMasked: boolean): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return frameOf(CLOSE, payload, isMasked)
}

const TEXT = 0x81
const CLOSE = 0x88

function frameOf(kind: number, payload: Buffer, isMasked: boolean): Buffer {
  const flag = isMasked ? 0x80 : 0
  // A fixed mask will do: nothing between here and the reader could be harmed by chosen bytes.
  const mask = Buffer.from(isMasked ? [1, 2, 3, 4] : [])
  const body = isMasked ? masked(payload, mask) : payload
  return Buffer.concat([Buffer.from([kind]), sizeOf(payload.length, flag), mask, body])
}

function sizeOf(size: number, flag: number): Buffer {
  if (size < 126) return Buffer.from([flag | size])
  if (size < 65_536) return Buffer.from([flag | 126, size >> 8, size & 0xff])
  const long = Buffer.alloc(9)
  long[0] = flag | 127
  long.writeBigUInt64BE(BigInt(size), 1)
  return long
}

function masked(bytes: Buffer, mask: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ (mask[index & 3] ?? 0)))
}
