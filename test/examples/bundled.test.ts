import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, preview, type PreviewServer } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeInChromium, useTabs } from '../browser/chromium.js'
import { type RelayProcess, startRelay } from '../browser/relay-process.js'

const ROOT = fileURLToPath(new URL('../../examples/bundled/', import.meta.url))
const DIST = fileURLToPath(new URL('../../dist/index', import.meta.url))
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc')

describeInChromium('examples/bundled', () => {
  const tabs = useTabs()
  let relay: RelayProcess
  let server: PreviewServer
  let folder: string

  beforeAll(async () => {
    relay = await startRelay()
    folder = await mkdtemp(join(tmpdir(), 'signalpost-bundled-'))
    const site = { root: ROOT, logLevel: 'silent', build: { outDir: join(folder, 'site'), emptyOutDir: true } } as const
    await build({ ...site, resolve: { alias: { signalpost: `${DIST}.js` } } })
    server = await preview({
      ...site,
      preview: { host: '127.0.0.1', port: 0, proxy: { '/signals': { target: relay.page, ws: true } } },
    })
  })
  afterAll(async () => {
    await server?.close()
    await relay?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('refreshes the report in one tab when the form in another one saves', async () => {
    const address = server.httpServer.address()
    if (address === null || typeof address === 'string') throw new Error('The site is not served.')
    const origin = `http://localhost:${address.port}`
    const report = await tabs.open(`${origin}/report.html`)
    const form = await tabs.open(`${origin}/index.html`)
    for (const tab of [form, report]) await tab.locator('#status', { hasText: 'online' }).waitFor()

    await form.getByLabel('Amount').fill('250')
    await form.getByRole('button', { name: 'Save' }).click()

    await form.locator('#outcome', { hasText: 'accepted' }).waitFor()
    expect(await report.getByRole('listitem').textContent()).toBe('250')
    expect(tabs.complaints).toEqual([])
  })

  it('compiles against the built types', async () => {
    expect(await compile()).toBe('')
  })

  it('does not compile with a misspelt name or with wrong data', async () => {
    const output = await compile(`
      import { sendSignal } from 'signalpost'
      import '${ROOT}src/signals'
      void sendSignal('ReportIncom', { userId: 1 })
      void sendSignal('ReportIncome', { userId: '1' })
    `)

    expect(output.match(/error TS\d+/g)).toEqual(['error TS2345', 'error TS2322'])
  })

  async function compile(code?: string): Promise<string> {
    const files = code === undefined ? [join(ROOT, 'src', '*.ts')] : [join(folder, 'misuse.ts')]
    if (code !== undefined) await writeFile(join(folder, 'misuse.ts'), code)
    const project = join(folder, 'tsconfig.json')
    const compilerOptions = { paths: { signalpost: [`${DIST}.d.ts`] } }
    await writeFile(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: files }))
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [TSC, '-p', project])
      return stdout
    } catch (error) {
      return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
    }
  }
})
