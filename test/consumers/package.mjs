import { findFreePort } from '../support/free-port.mjs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { ROOT, run, serve } from './processes.mjs'

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' }

let packed

/** Installs the packed package beside others. */
export async function install(folder, packages = []) {
  packed ??= pack()
  const flags = ['--no-audit', '--no-fund', '--no-package-lock']
  await run('npm', ['install', ...flags, await packed, ...packages], { cwd: folder })
}

async function pack() {
  const output = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', tmpdir()])
  return join(tmpdir(), output.trim().split('\n').at(-1))
}

export async function write(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

export function readApp(name) {
  return readFile(join(ROOT, 'test/consumers/app', name), 'utf8')
}

/** Serves a folder as a static site; an address without a file gets its `index.html`. */
export async function serveFolder(folder) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    const text = await readFile(join(folder, pathname)).catch(() => readFile(join(folder, 'index.html')))
    const type = TYPES[extname(pathname)] ?? 'text/html'
    response.writeHead(200, { 'Content-Type': type }).end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    page: `http://localhost:${server.address().port}/`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Opens the page in Chromium, and waits until the signal that it sends to itself has come back through a relay. */
export async function checkPage(page) {
  const port = await findFreePort()
  const main = join(ROOT, 'dist/relay/main.js')
  const relay = await serve('node', [main, 'relay', '--port', String(port), '--origin', new URL(page).origin], {
    url: `http://127.0.0.1:${port}/health`,
  })
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
  const said = []
  try {
    const tab = await browser.newPage()
    tab.on('console', (message) => said.push(message.text()))
    tab.on('pageerror', (error) => said.push(String(error)))
    await tab.goto(`${page}?relay=${encodeURIComponent(`ws://localhost:${port}/signals`)}`)
    await tab.waitForFunction(() => document.title === 'got 123')
  } catch (error) {
    throw new Error(`No signal came:\n${said.join('\n')}`, { cause: error })
  } finally {
    await browser.close()
    await relay.stop()
  }
}

/** Serves what a build wrote, and checks it. */
export async function checkFolder(folder) {
  const site = await serveFolder(folder)
  try {
    await checkPage(site.page)
  } finally {
    site.stop()
  }
}

/** The only file with this ending in a folder. */
export async function findFile(folder, ending) {
  return (await readdir(folder)).find((name) => name.endsWith(ending))
}
