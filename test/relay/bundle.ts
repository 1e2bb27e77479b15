import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { ROOT } from '../package/root.js'

/** Lays the relay's command into a folder as the package has it, so that no test depends on what an earlier build has left. */
export async function bundleRelay(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'))
  const outfile = join(folder, 'dist', 'relay', 'main.js')
  await build({
    entryPoints: [join(ROOT, 'examples', 'relay', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  })
  return outfile
}
