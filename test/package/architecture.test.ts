import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

/** Which room may import which. A room is a folder, or a file beside the folders. Type-only imports count. */
type Arrows = { readonly [room: string]: readonly string[] }

/** The only files, or rooms, that know each package. */
type Packages = { readonly [name: string]: readonly string[] }

interface Plan {
  readonly folder: string
  readonly arrows: Arrows
  readonly packages: Packages
  readonly roomOf: (file: string) => string
}

interface Import {
  readonly from: string
  readonly to: string
}

// A new arrow in one of the two drawings changes the architecture.

const SRC_ARROWS: Arrows = {
  umd: ['html', 'index', 'inspector', 'page', 'refresh/index'],
  index: [
    'client',
    'client-options',
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
    'client-options',
    'delivery',
    'emitter',
    'errors',
    'option-checks',
    'page-client',
    'signals',
    'status',
    'connection',
  ],
  'client-options': ['connection', 'contract', 'errors', 'option-checks', 'signals'],
  'next-signal': ['errors', 'signals'],
  'signal-stream': ['signals'],
  'page-client': ['errors', 'option-checks', 'signals', 'status'],
  connection: ['errors', 'page', 'protocol', 'signals', 'status'],
  delivery: [
    'client-options',
    'connection',
    'emitter',
    'errors',
    'option-checks',
    'page',
    'protocol',
    'signals',
    'status',
  ],
  bindings: ['page-client', 'signals', 'status'],
  react: ['bindings', 'page-client', 'refresh/index', 'refresh/refresh-on', 'signals', 'status'],
  solid: ['bindings', 'page-client', 'refresh/index', 'refresh/refresh-on', 'signals', 'status'],
  svelte: ['bindings', 'page-client', 'refresh/index', 'refresh/refresh-on', 'signals', 'status'],
  vue: ['bindings', 'page-client', 'refresh/index', 'refresh/refresh-on', 'signals', 'status'],
  'refresh/index': [
    'refresh/action',
    'refresh/actions',
    'refresh/allowed-origin',
    'refresh/fetch',
    'refresh/indicator',
    'refresh/refresh-on',
    'refresh/refresh-options',
    'refresh/scheduler',
    'refresh/swap',
  ],
  'refresh/refresh-on': [
    'errors',
    'page',
    'page-client',
    'refresh/action',
    'refresh/failure',
    'refresh/indicator',
    'refresh/refresh-options',
    'refresh/scheduler',
    'signals',
  ],
  'refresh/refresh-options': ['errors', 'option-checks', 'refresh/action', 'refresh/indicator', 'signals'],
  'refresh/actions': [
    'option-checks',
    'page',
    'refresh/action',
    'refresh/allowed-origin',
    'refresh/failure',
    'refresh/fetch',
    'refresh/swap',
  ],
  'refresh/indicator': ['page', 'refresh/scheduler'],
  'refresh/fetch': ['errors', 'page', 'refresh/action', 'refresh/failure'],
  'refresh/swap': ['page'],
  'refresh/allowed-origin': ['option-checks', 'page', 'refresh/failure'],
  'refresh/failure': ['errors', 'page'],
  'refresh/scheduler': ['signals'],
  'refresh/action': ['signals'],
  fallback: ['connection', 'protocol'],
  tabs: ['connection', 'page', 'protocol', 'refresh/index', 'signals'],
  html: [
    'client',
    'connection',
    'errors',
    'option-checks',
    'page',
    'page-client',
    'protocol',
    'refresh/allowed-origin',
    'refresh/index',
    'refresh/indicator',
    'refresh/refresh-on',
    'refresh/refresh-options',
    'signals',
  ],
  testing: ['errors', 'protocol', 'signals'],
  inspector: ['option-checks', 'page', 'page-client', 'refresh/index', 'signals', 'status', 'tabs'],
  morph: ['refresh/index'],
  contract: ['errors', 'option-checks'],
  emitter: ['signals'],
  'option-checks': ['errors', 'protocol'],
  signals: ['errors', 'protocol', 'status'],
  status: ['errors'],
  errors: [],
  page: [],
  protocol: [],
}

const SRC: Plan = {
  folder: 'src',
  arrows: SRC_ARROWS,
  packages: {
    mitt: ['emitter.ts'],
    'mock-socket': ['testing/mock-connections.ts'],
    morphdom: ['morph'],
    react: ['react'],
    'reconnecting-websocket': ['connection/reconnecting-websocket.ts'],
    'solid-js': ['solid'],
    svelte: ['svelte'],
    'svelte/store': ['svelte'],
    vue: ['vue'],
  },
  // The files of refresh/ are rooms beside its folders.
  roomOf: (file) => /^(?:refresh\/[^/]+|[^/]+)/.exec(file)?.[0].replace(/\.ts$/, '') ?? '',
}

/** From the top floor down. */
const RELAY_ARROWS: Arrows = {
  index: ['access', 'logger', 'options', 'relay'],
  main: ['create-logger', 'limits', 'signal-log', 'logger', 'options', 'relay', 'workers'],
  workers: ['create-logger', 'limits', 'signal-log', 'logger', 'metrics', 'options', 'relay', 'siblings'],
  relay: [
    'access',
    'admin',
    'connection',
    'create-log',
    'http',
    'limits',
    'signal-log',
    'logger',
    'metrics',
    'options',
    'output',
    'rooms',
    'siblings',
  ],
  admin: ['access', 'http', 'limits', 'signal-log', 'metrics', 'rooms', 'siblings'],
  connection: ['access', 'limits', 'signal-log', 'logger', 'output', 'rooms', 'timeout'],
  http: ['access', 'connection', 'limits', 'logger', 'metrics', 'output', 'rooms', 'siblings', 'signal-log', 'timeout'],
  'create-log': ['signal-log', 'signal-log/memory', 'signal-log/redis', 'logger', 'options'],
  options: ['access', 'limits', 'signal-log', 'signal-log/redis'],
  access: ['limits', 'signal-log', 'logger', 'rooms'],
  metrics: ['limits', 'siblings', 'signal-log'],
  rooms: ['signal-log', 'output'],
  'signal-log/memory': ['signal-log', 'output'],
  'signal-log/redis': ['signal-log', 'output', 'timeout'],
  'signal-log': [],
  output: [],
  siblings: ['limits'],
  limits: [],
  'create-logger': [],
  logger: [],
  timeout: [],
}

const RELAY: Plan = {
  folder: 'examples/relay',
  arrows: RELAY_ARROWS,
  packages: {
    ioredis: ['signal-log/redis/client.ts'],
    jose: ['access/tokens.ts'],
    pino: ['create-logger.ts'],
    'prom-client': ['metrics/prometheus.ts'],
    ws: ['http'],
  },
  roomOf: (file) => (file.includes('/') ? dirname(file) : file.replace(/\.ts$/, '')),
}

/** Imports of a file; Node's own modules and the protocol, which any room of the relay may use, are left out. */
function importsOf(folder: string, file: string): Import[] {
  const text = readFileSync(join(ROOT, folder, file), 'utf8')
  const found = text.matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gm)
  return [...found]
    .map(([, from, bare, lazy]) => from ?? bare ?? lazy ?? '')
    .filter((target) => !target.startsWith('node:') && !/\/src\/protocol\/[a-z-]+\.js$/.test(target))
    .map((target) => ({
      from: file,
      to: target.startsWith('.') ? join(dirname(file), target).replace(/\.js$/, '.ts') : target,
    }))
}

/** Every way from a node of a graph back to itself. */
function circlesIn(nodes: readonly string[], targetsOf: (node: string) => readonly string[]): string[] {
  const visit = (node: string, path: readonly string[]): string[] =>
    path.includes(node)
      ? [[...path, node].join(' -> ')]
      : targetsOf(node).flatMap((next) => visit(next, [...path, node]))
  return nodes.flatMap((node) => visit(node, []))
}

describe.each([SRC, RELAY])('the rooms of $folder', ({ folder, arrows, packages, roomOf }) => {
  const files = filesIn(folder, '.ts')
  const imports = files.flatMap((file) => importsOf(folder, file))

  it('are all on the plan', () => {
    expect([...new Set(files.map(roomOf))].toSorted()).toEqual(Object.keys(arrows).toSorted())
  })

  it('import only what is drawn, and everything that is drawn is there', () => {
    const found = imports
      .filter(({ from, to }) => files.includes(to) && roomOf(from) !== roomOf(to))
      .map(({ from, to }) => `${roomOf(from)} -> ${roomOf(to)}`)
    const drawn = Object.entries(arrows).flatMap(([from, targets]) => targets.map((to) => `${from} -> ${to}`))
    expect([...new Set(found)].toSorted()).toEqual(drawn.toSorted())
  })

  it('name only files that exist, and packages only where they may be known', () => {
    const foreign = imports.filter(({ to }) => !files.includes(to))
    const known = foreign.map(({ from, to }) => `${to} in ${packages[to]?.includes(from) ? from : roomOf(from)}`)
    const planned = Object.entries(packages).flatMap(([name, places]) => places.map((place) => `${name} in ${place}`))
    expect([...new Set(known)].toSorted()).toEqual(planned.toSorted())
  })

  it('form no circle of files, type-only imports included', () => {
    const targetsOf = (file: string): string[] => imports.filter(({ from }) => from === file).map(({ to }) => to)
    expect(circlesIn(files, targetsOf)).toEqual([])
  })

  it('form no circle of rooms', () => {
    expect(circlesIn(Object.keys(arrows), (room) => arrows[room] ?? [])).toEqual([])
  })
})

describe('src', () => {
  // A text compares like any other where an element has taken the place of a property.
  it('S61 reads members of the document from its prototype, but for the two that it compares with texts', () => {
    const files = filesIn('src', '.ts').filter((file) => !file.startsWith('inspector/'))
    const found = files.flatMap((file) =>
      [...readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(/^(?! *(?:\*|\/[/*])).*\bdocument\.([a-z]\w*)/gm)].map(
        ([, member]) => member ?? '',
      ),
    )
    expect([...new Set(found)].toSorted()).toEqual(['readyState', 'visibilityState'])
  })

  it('lends the relay the protocol and nothing else', () => {
    const relay = filesIn('examples/relay', '.ts').map((file) => join('examples/relay', file))
    const borrowed = relay.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/from '([^']*\/src\/[^']+)'/g)].map(([, path]) => path ?? ''),
    )
    expect(borrowed.length).toBeGreaterThan(0)
    expect(borrowed.filter((path) => !/\/src\/protocol\/[a-z-]+\.js$/.test(path))).toEqual([])
  })
})
