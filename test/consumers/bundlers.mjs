import { join } from 'node:path'
import { inFolder, run } from './processes.mjs'
import { checkFolder, install, readApp, write } from './package.mjs'

/** A binding imports its framework, whose name is also that of an entry of the package. */
const REACT = "import { useSignal } from 'signalpost/react'\nObject.assign(globalThis, { useSignal })\n"

/** The alias is that of the guide. */
const OLD_WEBPACK = `module.exports = {
  entry: './main.js',
  output: { path: __dirname + '/out', filename: 'main.js' },
  resolve: { alias: { signalpost: 'signalpost/dist/cjs' } },
}`

/** Each bundles `app/main.js`, and the page works in Chromium. */
const BUNDLERS = {
  vite: { packages: ['vite@8.3.8'], build: ['vite', 'build', '--outDir', 'out'] },
  esbuild: {
    packages: ['esbuild@0.28.2'],
    build: ['esbuild', 'main.js', '--bundle', '--outfile=out/main.js'],
  },
  rollup: {
    packages: ['rollup@4.67.4', '@rollup/plugin-node-resolve@16.0.3'],
    // React needs another plugin there.
    hasReact: false,
    build: ['rollup', 'main.js', '--plugin', 'node-resolve', '--format', 'iife', '--file', 'out/main.js'],
  },
  webpack: {
    packages: ['webpack@5', 'webpack-cli@6'],
    build: ['webpack', '--mode', 'production', '--entry', './main.js', '--output-path', 'out'],
  },
  rspack: {
    packages: ['@rspack/core@1', '@rspack/cli@1'],
    build: ['rspack', 'build', '--mode', 'production', '--entry', './main.js', '--output-path', 'out'],
  },
  // Its parser is of 2019, and it ignores `exports`.
  'webpack-4': {
    packages: ['webpack@4.47.0', 'webpack-cli@3.3.12'],
    files: { 'webpack.config.js': OLD_WEBPACK },
    build: ['webpack', '--mode', 'production'],
    hasReact: false,
  },
  parcel: { packages: ['parcel@2.16.4'], build: ['parcel', 'build', 'index.html', '--dist-dir', 'out'] },
}

export const bundlers = Object.entries(BUNDLERS).map(([name, { packages, files = {}, build, hasReact = true }]) => ({
  name,
  run: () =>
    inFolder(async (folder) => {
      const [main, html] = await Promise.all([readApp('main.js'), readApp('index.html')])
      const text = hasReact ? main + REACT : main
      await write(folder, { 'package.json': { private: true }, 'main.js': text, 'index.html': html, ...files })
      await install(folder, hasReact ? [...packages, 'react@19.3.1'] : packages)
      await run('npx', build, { cwd: folder })
      // webpack and Rspack write main.js, too.
      if (!['vite', 'parcel'].includes(name)) await write(folder, { 'out/index.html': html })
      await checkFolder(join(folder, 'out'))
    }),
}))
