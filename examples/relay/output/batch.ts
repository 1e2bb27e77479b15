/** Frames that wait to be sent together, in order. Whoever waits for the same ones shares them, and their bytes. */
export interface Gathering {
  readonly size: number
  /** What waits when this frame waits too. */
  and(frame: Buffer): Gathering
  /** All frames in one buffer, made once. */
  bytes(): Buffer
}

/** The beginning of a turn: nothing waits. */
export function createGathering(): Gathering {
  return grow(0)
}

function grow(size: number, before?: Link): Gathering {
  let latest: Buffer | undefined
  let next: Gathering | undefined
  let whole: Buffer | undefined

  return {
    size,
    and(frame) {
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

interface Link {
  readonly frame: Buffer
  readonly before: Link | undefined
}

function join(last: Link | undefined): Buffer {
  if (last && !last.before) return last.frame
  const frames: Buffer[] = []
  for (let link = last; link; link = link.before) frames.push(link.frame)
  return Buffer.concat(frames.toReversed())
}
