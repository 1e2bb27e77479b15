import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, createServer, type PreviewServer, preview, type ViteDevServer } from 'vite'
import type { RelayProcess } from '../browser/relay-process.js'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** As if the example had installed the package. */
const PACKAGE = {
  alias: [
    { find: /^signalpost$/, replacement: join(PROJECT, 'dist/index.js') },
    { find: /^signalpost\/(\w+)$/, replacement: join(PROJECT, 'dist/$1/index.js') },
  ],
}

export interface ViteSite {
  readonly origin: string
  close(): Promise<void>
}

/** The folder of an example. */
export const folderOf = (example: string): string => join(PROJECT, 'examples', example)

/** An example as Vite builds it, with the relay at its own origin. */
export async function openViteSite(example: string, relay: RelayProcess): Promise<ViteSite> {
  const folder = await mkdtemp(join(tmpdir(), `signalpost-${example}-`))
  const site = { root: folderOf(example), logLevel: 'silent', build: { outDir: folder, emptyOutDir: true } } as const
  await build({ ...site, resolve: PACKAGE })
  const server = await preview({ ...site, preview: { ...address(relay) } })
  return siteOf(server, folder)
}

export interface ViteDevSite extends ViteSite {
  /** The copy of the example that is served; what is changed in it, the pages get at once. */
  readonly folder: string
}

/** A copy of an example on Vite's development server. */
export async function openViteDevSite(example: string, relay: RelayProcess): Promise<ViteDevSite> {
  const folder = await mkdtemp(join(tmpdir(), `signalpost-${example}-`))
  await cp(folderOf(example), folder, { recursive: true, filter: (path) => !path.endsWith('node_modules') })
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  const server = await createServer({
    root: folder,
    cacheDir: join(folder, 'vite'),
    logLevel: 'silent',
    resolve: PACKAGE,
    server: { ...address(relay), fs: { strict: false } },
  })
  await server.listen()
  return { ...siteOf(server, folder), folder }
}

function address(relay: RelayProcess) {
  return { host: '127.0.0.1', port: 0, proxy: { '/signals': { target: relay.page, ws: true } } } as const
}

function siteOf(server: PreviewServer | ViteDevServer, folder: string): ViteSite {
  const address = server.httpServer?.address()
  if (!address || typeof address === 'string') throw new Error('The site is not served.')
  return {
    origin: `http://localhost:${address.port}`,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What the compiler says to an example, or to other code under its settings, against the built types. */
export async function compileExample(example: string, code?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `signalpost-${example}-`))
  const misuse = join(folder, 'misuse.ts')
  const include = code === undefined ? [join(folderOf(example), 'src')] : [misuse]
  const paths = { signalpost: [join(PROJECT, 'dist/index.d.ts')], 'signalpost/*': [join(PROJECT, 'dist/*/index.d.ts')] }
  const project = { extends: join(folderOf(example), 'tsconfig.json'), compilerOptions: { paths }, include }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project))
  if (code !== undefined) await writeFile(misuse, code)
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [TSC, '-p', folder])
    return stdout
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
