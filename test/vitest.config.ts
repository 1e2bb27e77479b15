import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const NODE_FOLDERS = ['relay', 'browser', 'package', 'examples', 'faults', 'properties', 'deploy'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/** Two files at a time, because most of them wait most of the time. */
const TOGETHER = { maxWorkers: 2, sequence: { groupOrder: 0 } }
/** After the others: faults hold up connections, Redis and whole relays. One after the other if they write their table. */
const FAULTS = { maxWorkers: process.env.FAULTS === 'full' ? 1 : 2, sequence: { groupOrder: 1 } }
/** Nothing runs beside it: they say how soon thousands of clients are back. */
const ALONE = { maxWorkers: 1, sequence: { groupOrder: 2 } }
const MEASURED_FAULTS = ['test/faults/return.test.ts', 'test/faults/shared-return.test.ts']

const BINDINGS = 'test/{react,vue,svelte,solid}/**/'

/** Files of units that need no page. */
const WITHOUT_PAGE = [
  'test/client/{emitter,errors,server-rendering,status}.test.ts',
  'test/connection/{backoff,close-policy,liveness,reducer,socket,status-transitions,time-slices}.test.ts',
  'test/delivery/inbox.test.ts',
  'test/fallback/*.test.ts',
  'test/tabs/*.test.ts',
  'test/protocol/*.test.ts',
  'test/refresh/server-rendering.test.ts',
]

/** Each file has a context of its own, but a worker loads the environment once: half the time of a worker per file. */
const UNIT = {
  ...TOGETHER,
  pool: 'vmThreads',
  unstubGlobals: true,
  restoreMocks: true,
  // Fake time costs real time on a busy machine.
  testTimeout: 30_000,
} as const

const PAGE = {
  environment: 'happy-dom',
  environmentOptions: { happyDOM: { settings: { enableIframePageLoading: true } } },
} as const

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    reporters: ['./test/project-reporter.ts', './test/summary-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/umd.ts'],
      reporter: ['text-summary'],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        test: {
          ...UNIT,
          ...PAGE,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...NODE_FOLDERS, ...WITHOUT_PAGE, `${BINDINGS}*.test.ts`],
        },
      },
      {
        test: { ...UNIT, name: 'unit-node', environment: 'node', include: WITHOUT_PAGE },
      },
      {
        // The tests of the connection once more, with the class that the build reduces.
        resolve: {
          alias: {
            'reconnecting-websocket': new URL('../dist/connection/reconnecting-websocket.js', import.meta.url).pathname,
          },
        },
        test: {
          ...UNIT,
          ...PAGE,
          name: 'reduced',
          include: ['test/connection/**/*.test.ts', 'test/client/**/*.test.ts'],
          // Happy DOM keeps errors in messages to itself.
          exclude: ['test/connection/time-slices.test.ts'],
        },
      },
      {
        // What a bundler for browsers takes of each framework, all of it through Vite.
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ['browser', 'development'] },
        test: {
          ...UNIT,
          ...PAGE,
          name: 'bindings',
          include: [`${BINDINGS}*.test.ts`],
          exclude: [`${BINDINGS}server.test.ts`],
          server: { deps: { inline: ['solid-js', 'svelte'] } },
        },
      },
      {
        // What Node takes of each framework.
        plugins: [svelte({ configFile: false })],
        test: {
          ...UNIT,
          name: 'server-rendering',
          environment: 'node',
          include: [`${BINDINGS}server.test.ts`],
        },
      },
      {
        test: {
          ...TOGETHER,
          name: 'relay',
          environment: 'node',
          include: ['test/relay/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...TOGETHER,
          name: 'properties',
          environment: 'node',
          include: ['test/properties/**/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          ...FAULTS,
          name: 'faults',
          environment: 'node',
          include: ['test/faults/**/*.test.ts'],
          exclude: MEASURED_FAULTS,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...ALONE,
          name: 'faults-alone',
          environment: 'node',
          include: MEASURED_FAULTS,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...TOGETHER,
          name: 'deploy',
          environment: 'node',
          include: ['test/deploy/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...TOGETHER,
          name: 'package',
          environment: 'node',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...TOGETHER,
          name: 'browser',
          environment: 'node',
          include: ['test/browser/**/*.test.ts', 'test/examples/**/*.test.ts'],
          // Longer than a busy machine takes, and shorter than the limit of a test, so that the reason is told.
          expect: { poll: { timeout: 45_000 } },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
