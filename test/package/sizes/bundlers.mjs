import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import { minify } from 'terser'
import * as vite from 'vite'

/** Each bundler with its minifier: a function from the source of an entry module to the code that a page loads. */
export const BUNDLERS = { esbuild: bundleByEsbuild, 'Rollup, terser': bundleByRollup, Vite: bundleByVite }

const ENTRY = 'entry.js'
const TARGET = 'es2022'

/** The frameworks: an application has them anyway. */
const EXTERNAL = [/^react\b/, /^vue$/, /^svelte\b/, /^solid-js\b/]

/** Gives the source as the entry module, and finds packages as Node does. */
function entryOf(source) {
  return {
    name: 'entry',
    enforce: 'pre',
    resolveId(id) {
      if (id === ENTRY) return id
      if (EXTERNAL.some((framework) => framework.test(id))) return { id, external: true }
      return /^[a-z]/.test(id) ? fileURLToPath(import.meta.resolve(id)) : undefined
    },
    load: (id) => (id === ENTRY ? source : undefined),
  }
}

async function bundleByEsbuild(source) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: TARGET,
    // As in the other bundlers: a license banner is in a file of its own.
    legalComments: 'none',
    external: ['react', 'vue', 'svelte', 'svelte/*', 'solid-js', 'solid-js/*'],
  })
  return outputFiles[0].text
}

async function bundleByRollup(source) {
  // As package.json says, which Rollup reads only by a plugin.
  const treeshake = { moduleSideEffects: false }
  const bundle = await rollup({ input: ENTRY, plugins: [entryOf(source)], treeshake })
  const { output } = await bundle.generate({ format: 'es' })
  const { code } = await minify(output[0].code, { module: true, ecma: 2020, format: { comments: false } })
  return code
}

async function bundleByVite(source) {
  const { output } = await vite.build({
    configFile: false,
    logLevel: 'silent',
    plugins: [entryOf(source)],
    build: {
      write: false,
      target: TARGET,
      modulePreload: false,
      rolldownOptions: {
        input: ENTRY,
        preserveEntrySignatures: 'strict',
        output: { comments: { legal: false } },
      },
    },
  })
  return output[0].code
}
