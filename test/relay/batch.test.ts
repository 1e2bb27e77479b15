import { describe, expect, it } from 'vitest'
import { createBatch, type Batch } from '../../examples/relay/output/batch.js'

const frame = (text: string): Buffer => Buffer.from(text)
const [a, b, c] = [frame('a'), frame('b'), frame('c')]

function gather(nothing: Batch, ...frames: readonly Buffer[]): Batch {
  return frames.reduce((gathered, each) => gathered.append(each), nothing)
}

describe('what is gathered in a turn', () => {
  it('is all frames in their order', () => {
    const gathered = gather(createBatch(), a, b, c, a)
    expect([gathered.bytes().toString(), gathered.size]).toEqual(['abca', 4])
  })

  it('is the frame itself where it is the only one', () => {
    expect(createBatch().append(a).bytes()).toBe(a)
  })

  it('is one buffer for everybody who waits for the same, whatever others wait for', () => {
    const nothing = createBatch()
    // Frame by frame to each connection in turn, as rooms hand them on.
    let [first, second, other] = [nothing.append(a), nothing.append(a), nothing.append(b)]
    first = first.append(b)
    second = second.append(b)
    other = other.append(c)
    expect(first.bytes()).toBe(second.bytes())
    expect([first, second, other].map((each) => each.bytes().toString())).toEqual(['ab', 'ab', 'bc'])
  })

  it('stays what it was when others go on from it', () => {
    const short = createBatch().append(a)
    const [left, right] = [short.append(b), short.append(c)]
    expect([short, left, right, short.append(b)].map((each) => each.bytes().toString())).toEqual([
      'a',
      'ab',
      'ac',
      'ab',
    ])
  })

  it('may be long', () => {
    const gathered = gather(createBatch(), ...Array.from({ length: 20_000 }, () => a))
    expect(gathered.bytes()).toHaveLength(20_000)
  })
})
