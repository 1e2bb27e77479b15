import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import { createEmitter } from '../../src/emitter.js'

interface Events {
  readonly a: number
  readonly constructor: number
}

it('calls each listener once, in the order of registration', () => {
  const emitter = createEmitter<Events>(() => undefined)
  const heard: string[] = []
  emitter.on('a', (value) => heard.push(`first ${value}`))
  emitter.on('a', (value) => heard.push(`second ${value}`))
  emitter.emit('a', 1)
  emitter.emit('constructor', 2)
  expect(heard).toEqual(['first 1', 'second 1'])
})

it('tells what a listener throws or rejects with, and calls the others', async () => {
  const onThrow = vi.fn()
  const emitter = createEmitter<Events>(onThrow)
  const heard = vi.fn()
  emitter.on('a', () => {
    throw new Error('sync')
  })
  emitter.on('a', () => Promise.reject(new Error('async')))
  // Another window's promise is not of this one's class.
  emitter.on('a', () => runInNewContext('Promise.reject(new Error("thenable"))') as unknown)
  emitter.on('a', heard)
  emitter.emit('a', 1)
  await Promise.resolve()
  await Promise.resolve()
  expect(onThrow.mock.calls.map(([error, value]) => [String(error), value]).toSorted()).toEqual([
    ['Error: async', 1],
    ['Error: sync', 1],
    ['Error: thenable', 1],
  ])
  expect(heard).toHaveBeenCalledOnce()
})

it('knows whether anybody listens', () => {
  const emitter = createEmitter<Events>(() => undefined)
  expect(emitter.hasHandlers('constructor')).toBe(false)
  const stop = emitter.on('constructor', () => undefined)
  expect(emitter.hasHandlers('constructor')).toBe(true)
  stop()
  stop()
  expect(emitter.hasHandlers('constructor')).toBe(false)
})
