import { build } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from './root.js'

async function bundle(names: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names} } from './dist/index.js'`, resolveDir: ROOT },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    legalComments: 'none',
    logLevel: 'silent',
    absWorkingDir: join(ROOT),
  })
  return outputFiles[0]?.text ?? ''
}

it('ships nothing of the connection with the free functions', async () => {
  const text = await bundle('sendSignal, receiveSignal, onSignalStatus')
  expect(text).not.toMatch(/WebSocket\(|_connectTimeout|welcome/)
})

it.each(['defineSignals', 'nextSignal', 'signalStream'])('ships %s only where it is imported', async (name) => {
  const [without, including] = await Promise.all([bundle('createSignalClient'), bundle(`createSignalClient, ${name}`)])
  expect(including.length).toBeGreaterThan(without.length + 100)
})

it('ships nothing of the relay with the client', async () => {
  expect(await bundle('createSignalClient')).not.toMatch(/case ?"leave"/)
})

it('ships nothing of the inspector but where it is asked for', async () => {
  const umd = (file: string): Promise<string> => readFile(join(ROOT, 'dist/umd', file), 'utf8')
  const [inspector, scriptTag] = await Promise.all([umd('signalpost-inspector.js'), umd('signalpost.min.js')])
  expect(inspector).toContain('Copy report')
  expect(scriptTag).not.toContain('Copy report')
})
