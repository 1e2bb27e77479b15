import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'

/** Byte budgets, minified and gzipped, both dependencies included; what exceeds one fails the build. */
function withoutComments(config) {
  // What a page downloads: license banners are in files of their own.
  return { ...config, legalComments: 'none' }
}

const CORE = '{ createSignalClient, sendSignal, receiveSignal, onSignalStatus, getPageClient, onPageClient }'

/** What some imports from the core weigh together: what comes on top of them has a budget of its own. */
async function weigh(...imports) {
  const bundle = { bundle: true, minify: true, write: false, format: 'esm', legalComments: 'none' }
  const contents = imports.map(([names, path]) => `export ${names} from './${path}'\n`).join('')
  const { outputFiles } = await build({ ...bundle, stdin: { contents, resolveDir: import.meta.dirname } })
  return gzipSync(outputFiles[0].contents).length
}

const imports = { path: 'dist/index.js', gzip: true, modifyEsbuildConfig: withoutComments }

const core = await weigh([CORE, 'dist/index.js'])
const refresh = await weigh([CORE, 'dist/index.js'], ['{ refreshOn }', 'dist/refresh/index.js'])

/** What `data-signal-refresh` may do, and what reads the attributes on top of it. */
const ACTIONS = '{ refreshOn, reloadPage, submitForm, replaceElement }'
const actions = await weigh([CORE, 'dist/index.js'], [ACTIONS, 'dist/refresh/index.js'])
const html = {
  ...imports,
  name: 'html, the core and refresh',
  import: { 'dist/index.js': CORE, 'dist/refresh/index.js': ACTIONS, 'dist/html/index.js': '{ bindHtml }' },
  limit: `${actions + 2735} B`,
}

/** What refreshes on top of the core: the least, and with all actions. */
function refreshing(name, names, more) {
  const imported = { 'dist/index.js': CORE, 'dist/refresh/index.js': names }
  return { ...imports, name, import: imported, limit: `${core + more} B` }
}

/** As a module, because another format adds helpers for the namespace of a framework that is not in the bundle. */
function asModule(config) {
  return withoutComments({ ...config, format: 'esm' })
}

/** A binding on top of the core, without its framework; and its useRefresh on top of refreshOn. */
function binding(framework, names) {
  const path = `dist/${framework}/index.js`
  return [
    {
      ...imports,
      modifyEsbuildConfig: asModule,
      name: `${framework} and the core`,
      import: { 'dist/index.js': CORE, [path]: names },
      limit: `${core + 525} B`,
    },
    {
      ...imports,
      modifyEsbuildConfig: asModule,
      name: `${framework} with useRefresh, the core and refresh`,
      import: { 'dist/index.js': CORE, 'dist/refresh/index.js': '{ refreshOn }', [path]: '*' },
      limit: `${refresh + 790} B`,
    },
  ]
}

export default [
  { ...imports, name: '{ sendSignal, receiveSignal }', import: '{ sendSignal, receiveSignal }', limit: '400 B' },
  { ...imports, name: '{ createSignalClient }', import: '{ createSignalClient }', limit: '12600 B' },
  { ...imports, name: 'testing', path: 'dist/testing/index.js', import: '{ createTestRelay }', limit: '3285 B' },
  ...binding('react', '{ SignalProvider, useSignal, useSignalStatus, useSendSignal }'),
  ...binding('vue', '{ createSignalPlugin, provideSignalClient, useSignal, useSignalStatus, useSendSignal }'),
  ...binding('svelte', '{ provideSignalClient, useSignal, useSignalStatus, useSendSignal }'),
  ...binding('solid', '{ SignalProvider, useSignal, useSignalStatus, useSendSignal }'),
  refreshing('refreshOn and the core', '{ refreshOn }', 5035),
  refreshing('refreshOn, its actions and the core', ACTIONS, 10560),
  html,
  {
    ...imports,
    name: 'morphElement, refreshOn and the core',
    import: {
      'dist/index.js': CORE,
      'dist/refresh/index.js': '{ refreshOn }',
      'dist/morph/index.js': '{ morphElement }',
    },
    limit: `${actions + 1975} B`,
  },
  {
    ...imports,
    name: 'fallback and the core',
    import: { 'dist/index.js': CORE, 'dist/fallback/index.js': '{ httpFallback }' },
    limit: `${core + 1450} B`,
  },
  {
    ...imports,
    name: 'tabs and the core',
    import: { 'dist/index.js': CORE, 'dist/tabs/index.js': '{ sharedTransport }' },
    limit: `${core + 2455} B`,
  },
  {
    ...imports,
    name: 'sharedFetch, refreshOn, its actions and the core',
    import: { 'dist/index.js': CORE, 'dist/refresh/index.js': ACTIONS, 'dist/tabs/index.js': '{ sharedFetch }' },
    limit: `${actions + 920} B`,
  },
  { ...imports, name: 'inspector', path: 'dist/inspector/index.js', import: '{ showInspector }', limit: '3965 B' },
  {
    name: 'script tag',
    path: 'dist/umd/signalpost.min.js',
    gzip: true,
    // The file as it is built: the minifier of the measurement would change it.
    modifyEsbuildConfig: (config) => ({ ...config, loader: { '.js': 'copy' } }),
    limit: '27585 B',
  },
]
