import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

/**
 * Which room may import which; a room is a folder of src, or a file in src itself. Type-only imports count. Whoever adds
 * an arrow here changes the architecture.
 */
const ARROWS: { readonly [room: string]: readonly string[] } = {
  umd: ['html', 'index', 'inspector', 'refresh'],
  index: [
    'client',
    'connection',
    'contract',
    'errors',
    'next-signal',
    'page-client',
    'protocol',
    'signal-stream',
    'signals',
    'status',
  ],
  client: [
    'connection',
    'contract',
    'delivery',
    'emitter',
    'errors',
    'meta',
    'options',
    'page-client',
    'protocol',
    'signals',
    'status',
  ],
  'next-signal': ['errors', 'signals'],
  'signal-stream': ['signals'],
  'page-client': ['errors', 'options', 'signals', 'status'],
  connection: ['errors', 'meta', 'protocol', 'signals', 'status'],
  delivery: ['emitter', 'errors', 'options', 'protocol', 'signals'],
  bindings: ['page-client', 'signals', 'status'],
  react: ['bindings', 'page-client', 'refresh', 'signals', 'status'],
  solid: ['bindings', 'page-client', 'refresh', 'signals', 'status'],
  svelte: ['bindings', 'page-client', 'refresh', 'signals', 'status'],
  vue: ['bindings', 'page-client', 'refresh', 'signals', 'status'],
  refresh: ['errors', 'options', 'page-client', 'signals'],
  html: ['client', 'errors', 'meta', 'options', 'page-client', 'protocol', 'refresh', 'signals'],
  testing: ['errors', 'protocol', 'signals'],
  inspector: ['options', 'page-client', 'refresh', 'signals', 'status'],
  contract: ['errors', 'options'],
  emitter: ['signals'],
  options: ['errors', 'protocol'],
  signals: ['errors', 'protocol', 'status'],
  status: ['errors'],
  errors: [],
  meta: [],
  protocol: [],
}

/** The only file, or room, that knows each package. */
const PACKAGES: { readonly [name: string]: string } = {
  mitt: 'emitter.ts',
  'mock-socket': 'testing/mock-server.ts',
  react: 'react',
  'reconnecting-websocket': 'connection/reconnecting-websocket.ts',
  'solid-js': 'solid',
  svelte: 'svelte',
  'svelte/store': 'svelte',
  vue: 'vue',
}

interface Import {
  readonly from: string
  readonly to: string
}

const SRC = join(ROOT, 'src')

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  return [...text.matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gm)].map(
    ([, from, bare, lazy]) => {
      const target = from ?? bare ?? lazy ?? ''
      const isOwn = target.startsWith('.')
      return {
        from: file,
        to: isOwn ? relative(SRC, join(SRC, dirname(file), target)).replace(/\.js$/, '.ts') : target,
      }
    },
  )
}

const files = filesIn('src', '.ts')
const imports = files.flatMap(importsOf)
const room = (file: string): string => file.split('/')[0]?.replace(/\.ts$/, '') ?? ''

describe('the rooms of src', () => {
  it('are all on the plan', () => {
    expect([...new Set(files.map(room))].toSorted()).toEqual(Object.keys(ARROWS).toSorted())
  })

  it('import only what is drawn, and everything that is drawn is there', () => {
    const arrows = new Set(
      imports
        .filter(({ from, to }) => files.includes(to) && room(from) !== room(to))
        .map(({ from, to }) => `${room(from)} -> ${room(to)}`),
    )
    const drawn = Object.entries(ARROWS).flatMap(([from, targets]) => targets.map((to) => `${from} -> ${to}`))
    expect([...arrows].toSorted()).toEqual(drawn.toSorted())
  })

  it('name only files that exist, and packages only where they may be known', () => {
    const foreign = imports.filter(({ to }) => !files.includes(to))
    const known = foreign.map(({ from, to }) => `${to} in ${PACKAGES[to] === from ? from : room(from)}`)
    const planned = Object.entries(PACKAGES).map(([name, place]) => `${name} in ${place}`)
    expect([...new Set(known)].toSorted()).toEqual(planned.toSorted())
  })

  it('form no circle, type-only imports included', () => {
    const targets = (file: string): string[] => imports.filter(({ from }) => from === file).map(({ to }) => to)
    const visit = (file: string, path: readonly string[]): string[] =>
      path.includes(file)
        ? [[...path, file].join(' -> ')]
        : targets(file).flatMap((next) => visit(next, [...path, file]))
    expect(files.flatMap((file) => visit(file, []))).toEqual([])
  })

  it('lend the relay the protocol and nothing else', () => {
    const relay = filesIn('examples/relay', '.ts').map((file) => join('examples/relay', file))
    const borrowed = relay.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/from '([^']*\/src\/[^']+)'/g)].map(([, path]) => path ?? ''),
    )
    expect(borrowed.length).toBeGreaterThan(0)
    expect(borrowed.filter((path) => !/\/src\/protocol\/[a-z-]+\.js$/.test(path))).toEqual([])
  })
})
