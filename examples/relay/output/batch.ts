/** Frames that wait to be sent together, in order. Whoever waits for the same ones shares them, and their bytes. */
export interface Batch {
  readonly size: number
  /** What waits when this frame waits too. */
  append(frame: Buffer): Batch
  /** All frames in one buffer, made once. */
  bytes(): Buffer
}

/** The beginning of a turn: nothing waits. */
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
      // One frame goes to many connections, one after the other: most of them find what the first of them made.
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
