import { cpSync, writeFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'
import { KEEP_BUILT_INS } from './.build/built-ins.js'
import { writeIntegrity } from './.build/integrity.js'
import { minifyAgain, shorten } from './.build/minify-again.js'
import { NOTICE, reduceReconnectingWebSocket } from './.build/reduce-reconnecting-websocket.js'
import { thirdPartyLicenses } from './.build/third-party-licenses.js'
import { configSchema } from './examples/relay/options/config-file.js'

const GLOBAL = 'Signalpost'

/** What pages load from a content network. The builds run side by side: the last one that ends knows every hash. */
const SCRIPTS = [
  'signalpost.min.js',
  'signalpost.js',
  'signalpost-inspector.js',
  'signalpost-morph.min.js',
  'signalpost-fallback.min.js',
  'signalpost-tabs.min.js',
  'signalpost-worker.min.js',
]

const LICENSES = 'THIRD-PARTY-LICENSES.txt'

/** Modules that hold types only: they would be empty files. */
const TYPES_ONLY = [
  'src/signals.ts',
  'src/bindings/options.ts',
  'src/connection/transport.ts',
  'src/protocol/frames.ts',
  'src/refresh/action.ts',
]

/** Modules that only the script-tag build has. */
const SCRIPT_TAG_ONLY = [
  'src/umd.ts',
  'src/html/script-tag.ts',
  'src/html/socket-files.ts',
  'src/inspector/on-query.ts',
  'src/morph/script-tag.ts',
  'src/page/beside-script.ts',
  'src/tabs/script-tag.ts',
  'src/tabs/worker.ts',
]

/**
 * Decides how the file was loaded. As a script tag it stays a script tag where a global `module` or elements with such ids
 * exist, and beside RequireJS, which takes an anonymous `define` only from scripts that it has loaded itself. The library is
 * a function that runs at once: engines compile such a function with the script, and not a second time when it runs.
 */
const BEFORE_LIBRARY = [
  '(function(g){var s=g.document&&g.document.currentScript,a=typeof define==="function"&&define.amd,',
  'c=typeof exports==="object"&&typeof module!=="undefined"&&module!==g.module,',
  'l=!c&&a&&!(s&&!s.hasAttribute("data-requiremodule")),',
  `r=(function(isScriptTag){${KEEP_BUILT_INS}var module={exports:{}},exports=module.exports;`,
].join('')
const AFTER_LIBRARY = [
  'return module.exports})(!c&&!l);',
  'if(c)module.exports=r;',
  'else if(l)define([],function(){return r});',
  `else{g.${GLOBAL}=r;if(a)define("signalpost",[],function(){return r})}`,
  '})(typeof globalThis!=="undefined"?globalThis:self);',
].join('')

/** Members that only the package itself uses. */
const PRIVATE = /^_[a-z]/

/** Modules with another package inside. */
const RECONNECTING_WEBSOCKET = 'src/connection/reconnecting-websocket.ts'
const MORPHDOM = 'src/morph/morphdom.ts'

const browser: Options = { platform: 'browser', target: 'es2022', sourcemap: true, clean: false, silent: true }

/** One file per module, so that what is not imported is not shipped. */
const modules: Options = {
  ...browser,
  entry: [
    'src/**/*.ts',
    ...[...SCRIPT_TAG_ONLY, ...TYPES_ONLY, RECONNECTING_WEBSOCKET, MORPHDOM].map((file) => `!${file}`),
  ],
  format: ['esm'],
  bundle: false,
  plugins: [shorten()],
}

/** The syntax of 2018, which webpack 4 and Browserify parse. */
const OLD_SYNTAX = 'es2018'

/** The flag by which esbuild takes a whole module as its default export, also an ES module that webpack 4 requires. */
const NODE_MODE = /(__toESM\(require\("[^"]+"\)), 1\)/g

/** For loaders that know nothing but require(), such as Jest by default. All other ones take the ES modules. */
const commonjs: Options = {
  ...modules,
  target: OLD_SYNTAX,
  outDir: 'dist/cjs',
  format: ['cjs'],
  sourcemap: false,
  plugins: [{ name: 'default-imports', renderChunk: (code) => ({ code: code.replaceAll(NODE_MODE, '$1)') }) }],
  outExtension: () => ({ js: '.js' }),
  async onSuccess() {
    writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n')
  },
}

const reconnectingWebSocket: Options = {
  ...browser,
  entry: [RECONNECTING_WEBSOCKET],
  outDir: 'dist/connection',
  format: ['esm'],
  noExternal: ['reconnecting-websocket'],
  esbuildPlugins: [reduceReconnectingWebSocket(), thirdPartyLicenses(LICENSES)],
  esbuildOptions(options) {
    options.mangleProps = PRIVATE
  },
  banner: { js: NOTICE },
}

const commonjsWebSocket: Options = {
  ...reconnectingWebSocket,
  target: OLD_SYNTAX,
  outDir: 'dist/cjs/connection',
  format: ['cjs'],
  sourcemap: false,
  outExtension: () => ({ js: '.js' }),
  // The default import of a CommonJS module is all of its exports.
  footer: { js: 'module.exports = module.exports.default' },
}

const morphdom: Options = {
  ...browser,
  entry: [MORPHDOM],
  outDir: 'dist/morph',
  format: ['esm'],
  noExternal: ['morphdom'],
  esbuildPlugins: [thirdPartyLicenses(LICENSES)],
}

const commonjsMorphdom: Options = {
  ...morphdom,
  outDir: 'dist/cjs/morph',
  format: ['cjs'],
  sourcemap: false,
  outExtension: () => ({ js: '.js' }),
  footer: { js: 'module.exports = module.exports.default' },
}

const declarations: Options = {
  ...browser,
  entry: {
    index: 'src/index.ts',
    'react/index': 'src/react/index.ts',
    'fallback/index': 'src/fallback/index.ts',
    'html/index': 'src/html/index.ts',
    'inspector/index': 'src/inspector/index.ts',
    'morph/index': 'src/morph/index.ts',
    'refresh/index': 'src/refresh/index.ts',
    'solid/index': 'src/solid/index.ts',
    'svelte/index': 'src/svelte/index.ts',
    'tabs/index': 'src/tabs/index.ts',
    'testing/index': 'src/testing/index.ts',
    'vue/index': 'src/vue/index.ts',
  },
  format: ['esm', 'cjs'],
  dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0' } },
}

const relayDeclarations: Options = {
  ...declarations,
  format: ['esm'],
  entry: { 'relay/index': 'examples/relay/index.ts' },
  dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0', types: ['node'] } },
}

/** The script-tag build: a global, AMD or CommonJS, with both dependencies inside. */
function umd(file: string, minify: boolean): Options {
  return {
    ...browser,
    entry: { [file]: 'src/umd.ts' },
    outDir: 'dist/umd',
    format: ['cjs'],
    minify,
    plugins: minify ? [minifyAgain()] : [],
    splitting: false,
    noExternal: [/.*/],
    esbuildPlugins: [reduceReconnectingWebSocket(), thirdPartyLicenses(LICENSES)],
    // A content network may serve .cjs under a type that browsers refuse.
    outExtension: () => ({ js: '.js' }),
    esbuildOptions(options) {
      options.mangleProps = PRIVATE
      options.banner = { js: BEFORE_LIBRARY }
      options.footer = { js: AFTER_LIBRARY }
    },
    async onSuccess() {
      // Without it, require() on a package of type "module" would read the file as ESM and return nothing.
      writeFileSync('dist/umd/package.json', '{ "type": "commonjs" }\n')
      const types = ['index', 'html/index', 'refresh/index'].map((entry) => `export * from '../${entry}.js'\n`)
      writeFileSync('dist/umd/signalpost.d.ts', `${types.join('')}export as namespace ${GLOBAL}\n`)
      writeIntegrity('dist/umd', SCRIPTS)
    },
  }
}

/** A file beside the script-tag build, with everything inside: a page loads it only if it needs it. */
function besideScriptTag(name: string, source: string, format: 'esm' | 'iife'): Options {
  return {
    ...browser,
    entry: { [name]: source },
    outDir: 'dist/umd',
    format: [format],
    outExtension: () => ({ js: '.js' }),
    sourcemap: false,
    minify: true,
    splitting: false,
    noExternal: [/.*/],
    esbuildPlugins: [thirdPartyLicenses(`${name.replace('.min', '')}.${LICENSES}`)],
    async onSuccess() {
      writeIntegrity('dist/umd', SCRIPTS)
    },
  }
}

/** The relay and the test page that it serves, with every dependency inside. */
function relay(isWatching: boolean): Options {
  return {
    entry: { main: 'examples/relay/main.ts', index: 'examples/relay/index.ts' },
    outDir: 'dist/relay',
    format: ['esm'],
    platform: 'node',
    target: 'node20',
    minify: true,
    sourcemap: false,
    clean: false,
    silent: true,
    noExternal: [/.*/],
    esbuildPlugins: [thirdPartyLicenses(LICENSES)],
    esbuildOptions(options) {
      options.banner = {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      }
    },
    async onSuccess() {
      cpSync('examples/playground', 'dist/playground', { recursive: true })
      cpSync('examples/relay/admin/dashboard', 'dist/dashboard', { recursive: true })
      writeFileSync('dist/relay/config.schema.json', `${JSON.stringify(configSchema(), null, 2)}\n`)
      if (!isWatching) return
      const { spawn } = await import('node:child_process')
      const child = spawn(process.execPath, ['dist/relay/main.js', 'relay'], { stdio: 'inherit' })
      // A goodbye to every open page would keep the port from the next one.
      return () => void child.kill('SIGKILL')
    },
  }
}

export default defineConfig((options) => [
  modules,
  commonjs,
  reconnectingWebSocket,
  commonjsWebSocket,
  morphdom,
  commonjsMorphdom,
  declarations,
  relayDeclarations,
  umd('signalpost', false),
  umd('signalpost.min', true),
  besideScriptTag('signalpost-inspector', 'src/inspector/index.ts', 'esm'),
  besideScriptTag('signalpost-morph.min', 'src/morph/script-tag.ts', 'iife'),
  besideScriptTag('signalpost-fallback.min', 'src/fallback/fallback.ts', 'esm'),
  besideScriptTag('signalpost-tabs.min', 'src/tabs/script-tag.ts', 'esm'),
  besideScriptTag('signalpost-worker.min', 'src/tabs/worker.ts', 'iife'),
  relay(Boolean(options.watch)),
])
