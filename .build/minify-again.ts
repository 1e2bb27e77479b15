import { minify, type MinifyOptions } from 'terser'
import type { Options } from 'tsup'

type Plugin = NonNullable<Options['plugins']>[number]

/** Minifies what the bundler has minified once more, by another minifier: the script tag's file is a twentieth smaller. */
export function minifyAgain(): Plugin {
  // The wrapper is a script: a variable outside of a function would be global.
  // No method of an object is called with `new`.
  const compress = { passes: 4, expression: true, unsafe_methods: true }
  // In parentheses, engines compile the wrapper's function with the script, and not a second time when it runs.
  return minifier('minify-again', { toplevel: false, compress, format: { wrap_iife: true } })
}

/** Shortens the statements of a module, and leaves its names and lines: the bundles of applications become smaller. */
export function shorten(): Plugin {
  return minifier('shorten', {
    module: true,
    mangle: false,
    // A function that is inlined into its only caller compresses worse.
    compress: { passes: 3, reduce_funcs: false },
    format: { beautify: true, indent_level: 2, comments: true, preserve_annotations: true },
  })
}

function minifier(name: string, options: MinifyOptions): Plugin {
  return {
    name,
    async renderChunk(code, { path }) {
      // The bundler joins the source map with its own, by this path.
      const minified = await minify({ [path]: code }, { ecma: 2020, ...options, sourceMap: { asObject: true } })
      return { code: minified.code ?? '', map: minified.map as object }
    },
  }
}
