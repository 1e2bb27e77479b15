import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes `integrity.json`: the hash of each of these files that is there, as the attribute `integrity` of a script takes it.
 *
 * Source: W3C Subresource Integrity, section 3.1.
 */
export function writeIntegrity(folder: string, names: readonly string[]): void {
  const files = names.map((name) => [name, join(folder, name)] as const).filter(([, path]) => existsSync(path))
  const hashes = files.map(([name, path]) => [name, `sha384-${hash(path)}`])
  writeFileSync(join(folder, 'integrity.json'), `${JSON.stringify(Object.fromEntries(hashes), null, 2)}\n`)
}

function hash(path: string): string {
  return createHash('sha384').update(readFileSync(path)).digest('base64')
}
