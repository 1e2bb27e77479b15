import { describe, expect, it } from 'vitest'
import { createGathering, type Gathering } from '../../examples/relay/output/batch.js'

const frame = (text: string): Buffer => Buffer.from(text)
const [a, b, c] = [frame('a'), frame('b'), frame('c')]

function gather(nothing: Gathering, ...frames: readonly Buffer[]): Gathering {
  return frames.reduce((gathered, each) => gathered.and(each), nothing)
}

describe('what is gathered in a turn', () => {
  it('is all frames in their order', () => {
    const gathered = gather(createGathering(), a, b, c, a)
    expect([gathered.bytes().toString(), gathered.size]).toEqual(['abca', 4])
  })

  it('is the frame itself where it is the only one', () => {
    expect(createGathering().and(a).bytes()).toBe(a)
  })

  it('is one buffer for everybody who waits for the same, whatever others wait for', () => {
    const nothing = createGathering()
    // Frame by frame to each connection in turn, as rooms hand them on.
    let [first, second, other] = [nothing.and(a), nothing.and(a), nothing.and(b)]
    first = first.and(b)
    second = second.and(b)
    other = other.and(c)
    expect(first.bytes()).toBe(second.bytes())
    expect([first, second, other].map((each) => each.bytes().toString())).toEqual(['ab', 'ab', 'bc'])
  })

  it('stays what it was when others go on from it', () => {
    const short = createGathering().and(a)
    const [left, right] = [short.and(b), short.and(c)]
    expect([short, left, right, short.and(b)].map((each) => each.bytes().toString())).toEqual(['a', 'ab', 'ac', 'ab'])
  })

  it('may be long', () => {
    const gathered = gather(createGathering(), ...Array.from({ length: 20_000 }, () => a))
    expect(gathered.bytes()).toHaveLength(20_000)
  })
})
