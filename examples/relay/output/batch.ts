/**
 * Frames to send together, in order. Connections that send the same frames in one turn of the event loop share one
 * buffer.
 */
export interface Batch {
  readonly size: number
  /** Returns the batch that also contains this frame. */
  append(frame: Buffer): Batch
  /** Returns all frames in one buffer, which is built once. */
  bytes(): Buffer
}

/** Creates an empty batch. */
export function createBatch(): Batch {
  return grow(0)
}

function grow(size: number, before?: BatchNode): Batch {
  let latest: Buffer | undefined
  let next: Batch | undefined
  let whole: Buffer | undefined

  return {
    size,
    append(frame) {
      // One frame goes to many connections in sequence: most of them reuse the batch of the first.
      if (!next || latest !== frame) {
        latest = frame
        next = grow(size + frame.length, { frame, before })
      }
      return next
    },
    bytes() {
      whole ??= join(before)
      return whole
    },
  }
}

interface BatchNode {
  readonly frame: Buffer
  readonly before: BatchNode | undefined
}

function join(last: BatchNode | undefined): Buffer {
  if (last && !last.before) return last.frame
  const frames: Buffer[] = []
  for (let node = last; node; node = node.before) frames.push(node.frame)
  return Buffer.concat(frames.toReversed())
}
