import { inFolder, run } from './processes.mjs'
import { install, readApp, write } from './package.mjs'

/** Test runners, and what else runs JavaScript: each passes a signal through `signalpost/testing`. */

const JEST = ['jest@30.5.2', 'jest-environment-jsdom@30.5.2', 'mock-socket@9.3.1', 'unrs-resolver@1.12.2']
const JSDOM = { testEnvironment: 'jsdom' }

const RUNNERS = {
  // Babel turns the test into CommonJS, as an application without any setting has it.
  jest: {
    packages: [...JEST, '@babel/preset-env@7'],
    files: { 'babel.config.json': { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] } },
    manifest: { jest: JSDOM },
    command: ['npx', ['jest', '--ci']],
  },
  'jest with ts-jest': {
    packages: [...JEST, 'ts-jest@29.4', 'typescript@5.9', '@types/jest@30'],
    files: { 'tsconfig.json': { compilerOptions: { esModuleInterop: true, target: 'es2022', module: 'commonjs' } } },
    manifest: { jest: { ...JSDOM, preset: 'ts-jest' } },
    test: 'page.test.ts',
    command: ['npx', ['jest', '--ci']],
  },
  'jest with ES modules': {
    packages: JEST,
    manifest: { type: 'module', jest: { ...JSDOM, transform: {} } },
    command: ['node', ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--ci']],
  },
  vitest: {
    packages: ['vitest@4.1.12', 'happy-dom@21.0.4', 'mock-socket@9.3.1'],
    manifest: { type: 'module' },
    command: ['npx', ['vitest', 'run', '--globals', '--environment', 'happy-dom']],
  },
  bun: {
    packages: ['bun@1', 'mock-socket@9.3.1'],
    manifest: { type: 'module' },
    command: ['npx', ['bun', 'test']],
  },
  deno: {
    packages: ['deno@2', 'mock-socket@9.3.1'],
    manifest: { type: 'module' },
    test: 'page.js',
    // Deno has no globals of tests.
    prelude: `import assert from 'node:assert'
      const test = (name, run) => Deno.test(name, run)
      const expect = (value) => ({ toEqual: (other) => assert.deepEqual(value, other) })\n`,
    command: ['npx', ['deno', 'test', '--no-check', '--allow-all', '--node-modules-dir=manual', 'page.js']],
  },
}

export const runners = Object.entries(RUNNERS).map(
  ([name, { packages, files = {}, manifest = {}, test = 'page.test.js', prelude = '', command }]) => ({
    name: name.replaceAll(' ', '-'),
    run: () =>
      inFolder(async (folder) => {
        const text = prelude + (await readApp('page.test.js'))
        await write(folder, { 'package.json': { private: true, ...manifest }, [test]: text, ...files })
        await install(folder, packages)
        await run(...command, { cwd: folder, env: { NODE_ENV: 'test', NODE_OPTIONS: '' } })
      }),
  }),
)

const OPTIONS = { strict: true, noEmit: true, skipLibCheck: false, types: [], target: 'es2022', lib: ['es2022', 'dom'] }

/** Compilers, with the oldest resolution of modules and the oldest version. */
const COMPILERS = {
  'typescript-node10': ['typescript@5.9', { module: 'esnext', moduleResolution: 'node10' }],
  'typescript-commonjs': ['typescript@5.9', { module: 'node16', moduleResolution: 'node16' }],
  'typescript-5.0': ['typescript@5.0', { module: 'esnext', moduleResolution: 'bundler' }],
}

export const compilers = Object.entries(COMPILERS).map(([name, [compiler, options]]) => ({
  name,
  run: () =>
    inFolder(async (folder) => {
      await write(folder, {
        'package.json': { private: true },
        'page.ts': await readApp('types.ts.txt'),
        'tsconfig.json': { compilerOptions: { ...OPTIONS, ...options }, files: ['page.ts'] },
      })
      await install(folder, [compiler])
      await run('npx', ['tsc'], { cwd: folder })
    }),
}))

/** Frameworks that are older than what the bindings need: the package is installed beside them, and raises none. */
const OLD = ['vue@2.7.16', 'react@16.14.0', 'mock-socket@8.1.1', 'svelte@3.59.2', 'solid-js@1.4.8']

export const installs = [
  {
    name: 'old-frameworks',
    run: () =>
      inFolder(async (folder) => {
        await write(folder, { 'package.json': { private: true } })
        await run('npm', ['install', '--no-audit', '--no-fund', '--save-exact', ...OLD], { cwd: folder })
        await install(folder)
        await run('npm', ['ls', ...OLD], { cwd: folder })
      }),
  },
]
