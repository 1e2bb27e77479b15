import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../package/root.js'
import { makeFolder, run } from './fixtures.js'

/** Makes the package of this checkout, as it was built, and returns its file. */
export async function packSignalpost(): Promise<string> {
  const folder = await makeFolder()
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
  const [pack] = JSON.parse(packed.text.slice(packed.text.indexOf('['))) as { readonly filename: string }[]
  return join(folder, pack?.filename ?? '')
}

/** Unpacks the package of this checkout, and returns its folder. */
export async function unpackSignalpost(): Promise<string> {
  const folder = await makeFolder()
  await run('tar', ['-xzf', await packSignalpost(), '-C', folder])
  return join(folder, 'package')
}

/** Copies files of a build's context as `COPY` does: a folder's content goes into the target, a file keeps its name. */
export async function copyAsDocker(instruction: string, context: string, target: string): Promise<void> {
  const parts = instruction.split(' ')
  const place = parts.at(-1) ?? ''
  for (const source of parts.slice(0, -1)) {
    await cp(join(context, source), place === './' ? join(target, source) : join(target, place), { recursive: true })
  }
}
