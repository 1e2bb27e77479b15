import { findFreePort } from '../support/free-port.mjs'
import { inFolder, run, serve } from './processes.mjs'
import { checkFolder, checkPage, install, write } from './package.mjs'
import { join } from 'node:path'

/** What every framework runs in the browser: it connects, sends a signal to itself, and shows it in the title. */
const CONNECT = `import { createSignalClient, getPageClient, receiveSignal, sendSignal } from 'signalpost'

export function connect() {
  if (getPageClient()) return
  createSignalClient({ url: new URLSearchParams(location.search).get('relay') })
  receiveSignal('ReportIncome', ({ userId }) => { document.title = 'got ' + userId })
  void sendSignal('ReportIncome', { userId: 123 })
}
`

const FRAMEWORKS = {
  // The client is made in an effect of a client component; the layout is a server component.
  next: {
    packages: ['next@16', 'react@19', 'react-dom@19'],
    files: {
      'app/connect.js': CONNECT,
      'app/signals.js': `'use client'
        import { useEffect } from 'react'
        import { useSignal } from 'signalpost/react'
        import { connect } from './connect'
        export function Signals() {
          useSignal('Another', () => undefined)
          useEffect(connect, [])
          return null
        }`,
      'app/layout.js': `import { Signals } from './signals'
        export default function Layout({ children }) {
          return <html><body><Signals />{children}</body></html>
        }`,
      'app/page.js': 'export default function Page() { return <p>Report</p> }',
    },
    build: ['next', 'build'],
    start: (port) => ['npx', 'next', 'start', '--port', port],
  },
  sveltekit: {
    packages: ['@sveltejs/kit@2', '@sveltejs/adapter-static@3', '@sveltejs/vite-plugin-svelte@7', 'svelte@5', 'vite@8'],
    manifest: { type: 'module' },
    files: {
      'src/connect.js': CONNECT,
      'src/app.html': '<!doctype html><head>%sveltekit.head%</head><body><div>%sveltekit.body%</div></body>',
      'src/hooks.client.js': "import { connect } from './connect.js'\nconnect()\n",
      'src/routes/+layout.js': 'export const prerender = true\n',
      'src/routes/+page.svelte': '<p>Report</p>',
      'svelte.config.js':
        "import adapter from '@sveltejs/adapter-static'\nexport default { kit: { adapter: adapter({ pages: 'out' }) } }",
      'vite.config.js': "import { sveltekit } from '@sveltejs/kit/vite'\nexport default { plugins: [sveltekit()] }",
    },
    build: ['vite', 'build'],
    folder: 'out',
  },
  astro: {
    packages: ['astro@5'],
    manifest: { type: 'module' },
    files: {
      'src/connect.js': CONNECT,
      'src/pages/index.astro': "<p>Report</p><script>import { connect } from '../connect.js'\nconnect()</script>",
    },
    build: ['astro', 'build'],
    folder: 'dist',
  },
}

export const frameworks = Object.entries(FRAMEWORKS).map(
  ([name, { packages, manifest, files, build, start, folder: out }]) => ({
    name,
    run: () =>
      inFolder(async (folder) => {
        const env = { NEXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1' }
        await write(folder, { 'package.json': { name: 'consumer', private: true, ...manifest }, ...files })
        await install(folder, packages)
        await run('npx', build, { cwd: folder, env })
        if (out) return checkFolder(join(folder, out))
        const port = String(await findFreePort())
        const page = `http://localhost:${port}/`
        const [command, ...args] = start(port)
        const server = await serve(command, args, { cwd: folder, env: { ...env, PORT: port }, url: page })
        try {
          await checkPage(page)
        } finally {
          await server.stop()
        }
      }),
  }),
)
