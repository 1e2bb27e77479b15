const FINAL_TEXT = 0x81
const LENGTH_IN_16_BITS = 126
const LENGTH_IN_64_BITS = 127

/** Encodes an unmasked, final WebSocket text frame, as a server sends it. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const start = headerLength(length)
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = FINAL_TEXT
  if (start === 2) frame[1] = length
  if (start === 4) {
    frame[1] = LENGTH_IN_16_BITS
    frame.writeUInt16BE(length, 2)
  }
  if (start === 10) {
    frame[1] = LENGTH_IN_64_BITS
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, start)
  return frame
}

/** Returns the text of a frame that `textFrame` encoded. */
export function textOf(frame: Buffer): string {
  return frame.toString('utf8', boundsOf(frame).start)
}

/** Returns the texts of frames that `textFrame` encoded, which follow each other. */
export function textsOf(frames: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < frames.length;) {
    const { start, length } = boundsOf(frames.subarray(at))
    texts.push(frames.toString('utf8', at + start, at + start + length))
    at += start + length
  }
  return texts
}

/** Completes the frame of a logged signal; `prefix` is the one of `NewEntry`. */
export function signalFrame(prefix: string, offset: number, at: number): Buffer {
  return textFrame(`${prefix},"offset":${offset},"at":${at}}`)
}

/** Returns the length of the header and that of the text. */
function boundsOf(frame: Buffer): { readonly start: number; readonly length: number } {
  const length = frame[1] ?? 0
  if (length === LENGTH_IN_16_BITS) return { start: 4, length: frame.readUInt16BE(2) }
  if (length === LENGTH_IN_64_BITS) return { start: 10, length: Number(frame.readBigUInt64BE(2)) }
  return { start: 2, length }
}

function headerLength(length: number): 2 | 4 | 10 {
  if (length < LENGTH_IN_16_BITS) return 2
  return length < 65_536 ? 4 : 10
}
