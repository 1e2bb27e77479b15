import { expect, it, vi } from 'vitest'
import { createEmitter } from '../src/emitter.js'

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
  emitter.on('a', heard)
  emitter.emit('a', 1)
  await Promise.resolve()
  await Promise.resolve()
  expect(onThrow.mock.calls.map(([error]) => String(error))).toEqual(['Error: sync', 'Error: async'])
  expect(heard).toHaveBeenCalledOnce()
})

it('knows whether anybody listens', () => {
  const emitter = createEmitter<Events>(() => undefined)
  expect(emitter.hears('constructor')).toBe(false)
  const stop = emitter.on('constructor', () => undefined)
  expect(emitter.hears('constructor')).toBe(true)
  stop()
  stop()
  expect(emitter.hears('constructor')).toBe(false)
})
