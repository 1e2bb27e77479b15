import type { Chance } from './chance.js'

/** How one direction of a connection treats what passes. */
export interface Shape {
  /** Each piece arrives so much later, in milliseconds, a new draw for each piece; the order stays. */
  readonly latency?: readonly [low: number, high: number]
  /** Passes on pieces of 1 to 5 bytes, each in a turn of its own. */
  readonly isSplit?: boolean
}

/** One direction of a connection: what goes in comes out, later and in pieces perhaps, but in order. */
export interface DelayedDirection {
  push(bytes: Buffer, delay?: number): void
  /** Lets others overtake: it comes out after the delay, between two pieces. */
  pushAstray(bytes: Buffer, delay: number): void
  /** Nothing comes out until `open`. */
  shut(): void
  open(): void
  /** Calls back when everything has come out. */
  end(onEmpty: () => void): void
  /** Forgets everything. */
  destroy(): void
}

interface Piece {
  readonly bytes: Buffer
  readonly due: number
}

/** One queue and one timer: independent timers would put bytes out of order. */
export function createDelayedDirection(
  write: (bytes: Buffer) => void,
  shape: () => Shape,
  chance: Chance,
): DelayedDirection {
  let queue: Piece[] = []
  let astray: Piece[] = []
  let crumbs: Buffer = Buffer.alloc(0)
  let lastDue = 0
  let isShut = false
  let timer: NodeJS.Timeout | undefined
  let turn: NodeJS.Immediate | undefined
  let onEmpty: (() => void) | undefined

  function pump(): void {
    clearTimeout(timer)
    timer = undefined
    if (isShut || turn) return
    for (let piece = nextDue(); piece; piece = nextDue()) {
      if (shape().isSplit) {
        crumbs = piece.bytes
        return crumble()
      }
      write(piece.bytes)
    }
    const next = Math.min(queue[0]?.due ?? Infinity, astray[0]?.due ?? Infinity)
    if (next < Infinity) timer = setTimeout(pump, Math.max(0, next - performance.now()))
    else onEmpty?.()
  }

  function nextDue(): Piece | undefined {
    const now = performance.now()
    if (astray[0] && astray[0].due <= now) return astray.shift()
    return queue[0] && queue[0].due <= now ? queue.shift() : undefined
  }

  function crumble(): void {
    turn = undefined
    if (isShut) return
    if (crumbs.length === 0) return pump()
    const size = Math.ceil(chance.between(0, 5)) || 1
    write(crumbs.subarray(0, size))
    crumbs = crumbs.subarray(size)
    turn = setImmediate(crumble)
  }

  return {
    push(bytes, delay = 0) {
      const [low, high] = shape().latency ?? [0, 0]
      lastDue = Math.max(lastDue, performance.now() + delay + chance.between(low, high))
      queue.push({ bytes, due: lastDue })
      pump()
    },
    pushAstray(bytes, delay) {
      astray.push({ bytes, due: performance.now() + delay })
      astray = astray.toSorted((one, other) => one.due - other.due)
      pump()
    },
    shut() {
      isShut = true
      clearImmediate(turn)
      turn = undefined
    },
    open() {
      if (!isShut) return
      isShut = false
      crumble()
    },
    end(callback) {
      onEmpty = callback
      pump()
    },
    destroy() {
      isShut = true
      clearTimeout(timer)
      clearImmediate(turn)
      queue = []
      astray = []
      onEmpty = undefined
    },
  }
}
