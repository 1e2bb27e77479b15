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

/** A package of Angular. */
const angular = (name) => `@angular/${name}@20.3.32`

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
  // Each answers a request with rendered HTML, and the plugin runs in the browser only.
  nuxt: {
    packages: ['nuxt@~4.2', 'vue@3'],
    files: {
      'app/connect.js': CONNECT,
      'app/app.vue': `<script setup>
        import { useSignal } from 'signalpost/vue'
        useSignal('Another', () => undefined)
        </script>
        <template><p>Report</p></template>`,
      'app/plugins/signals.client.js': `import { connect } from '../connect.js'
        export default defineNuxtPlugin(() => connect())`,
      'nuxt.config.js': 'export default defineNuxtConfig({ compatibilityDate: "2025-07-15" })',
    },
    build: ['nuxt', 'build'],
    start: () => ['node', '.output/server/index.mjs'],
  },
  'react-router': {
    packages: [
      '@react-router/dev@7.18.4',
      '@react-router/node@7.18.4',
      '@react-router/serve@7.18.4',
      'react-router@7.18.4',
      'react@19',
      'react-dom@19',
      'isbot@5',
      'vite@7',
    ],
    manifest: { type: 'module' },
    files: {
      'app/connect.js': CONNECT,
      'app/entry.client.jsx': `import { startTransition } from 'react'
        import { hydrateRoot } from 'react-dom/client'
        import { HydratedRouter } from 'react-router/dom'
        import { connect } from './connect.js'
        connect()
        startTransition(() => hydrateRoot(document, <HydratedRouter />))`,
      'app/root.jsx': `import { Outlet, Scripts } from 'react-router'
        import { useSignal } from 'signalpost/react'
        export default function Root() {
          useSignal('Another', () => undefined)
          return <html><head /><body><Outlet /><Scripts /></body></html>
        }`,
      'app/routes.ts': "import { index } from '@react-router/dev/routes'\nexport default [index('home.jsx')]\n",
      'app/home.jsx': 'export default function Home() { return <p>Report</p> }',
      'vite.config.js':
        "import { reactRouter } from '@react-router/dev/vite'\nexport default { plugins: [reactRouter()] }",
    },
    build: ['react-router', 'build'],
    start: () => ['npx', 'react-router-serve', './build/server/index.js'],
  },
  // The page is rendered at build time, where `afterNextRender` does not run.
  angular: {
    packages: [
      ...['core', 'common', 'compiler', 'platform-browser', 'platform-server', 'router'].map(angular),
      angular('compiler-cli'),
      '@angular/ssr@20.3.37',
      '@angular/cli@20.3.37',
      '@angular/build@20.3.37',
      'rxjs@7',
      'tslib@2',
      'typescript@5.9',
    ],
    files: {
      'src/connect.js': CONNECT,
      'src/index.html': '<!doctype html><html><head><base href="/"></head><body><app-root></app-root></body></html>',
      'src/app.ts': `import { afterNextRender, Component, provideZonelessChangeDetection } from '@angular/core'
        import { provideClientHydration } from '@angular/platform-browser'
        import { provideRouter, RouterOutlet } from '@angular/router'
        import { connect } from './connect.js'
        @Component({ template: '<p>Report</p>' })
        class Report {}
        @Component({ selector: 'app-root', imports: [RouterOutlet], template: '<router-outlet />' })
        export class App {
          constructor() { afterNextRender(connect) }
        }
        const router = provideRouter([{ path: '', component: Report }])
        export const providers = [provideZonelessChangeDetection(), router, provideClientHydration()]`,
      'src/main.ts': `import { bootstrapApplication } from '@angular/platform-browser'
        import { App, providers } from './app'
        bootstrapApplication(App, { providers })`,
      'src/main.server.ts': `import { bootstrapApplication, type BootstrapContext } from '@angular/platform-browser'
        import { provideServerRendering, RenderMode, withRoutes } from '@angular/ssr'
        import { App, providers } from './app'
        const rendered = provideServerRendering(withRoutes([{ path: '**', renderMode: RenderMode.Prerender }]))
        export default (context: BootstrapContext) =>
          bootstrapApplication(App, { providers: [...providers, rendered] }, context)`,
      'tsconfig.json': {
        compilerOptions: {
          target: 'es2022',
          module: 'preserve',
          moduleResolution: 'bundler',
          allowJs: true,
          skipLibCheck: true,
        },
        files: ['src/main.ts', 'src/main.server.ts'],
      },
      'angular.json': {
        version: 1,
        cli: { analytics: false },
        projects: {
          app: {
            projectType: 'application',
            root: '',
            architect: {
              build: {
                builder: '@angular/build:application',
                options: {
                  browser: 'src/main.ts',
                  server: 'src/main.server.ts',
                  index: 'src/index.html',
                  outputPath: 'out',
                  outputMode: 'static',
                  tsConfig: 'tsconfig.json',
                },
              },
            },
          },
        },
      },
    },
    build: ['ng', 'build'],
    folder: 'out/browser',
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
