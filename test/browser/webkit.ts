import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE } from './chromium.js'
import { findFreePort } from '../support/free-port.mjs'
import type { TabBrowser } from './tab-browser.js'

const DRIVER = '/usr/bin/WebKitWebDriver'
const XVFB = '/usr/bin/Xvfb'
const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
const MINI_BROWSER = `/usr/lib/${MACHINE}-linux-gnu/webkit2gtk-4.1/MiniBrowser`

export const hasWebKit = [DRIVER, XVFB, MINI_BROWSER].every((place) => existsSync(place))

/** WebKitGTK's own small browser, by WebDriver, on a screen that nobody sees: it has no headless mode. */
export async function launchWebKit(): Promise<TabBrowser> {
  const screen = spawn(XVFB, ['-displayfd', '1', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const port = await findFreePort()
  const env = { ...process.env, DISPLAY: `:${await firstLine(screen)}` }
  const driver = spawn(DRIVER, [`--port=${port}`], { env, stdio: 'ignore' })
  const root = `http://127.0.0.1:${port}`
  await waitForDriver(`${root}/status`)
  const options = { binary: MINI_BROWSER, args: ['--automation'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } }
  const { sessionId } = await command<{ sessionId: string }>('POST', `${root}/session`, { capabilities })
  const session = `${root}/session/${sessionId}`
  // The one that is there from the beginning stays: the session would end with its last tab.
  const first = await command<string>('GET', `${session}/window`)
  const handles = new Set<string>()
  let last: Promise<unknown> = Promise.resolve()

  /** Commands go to the tab that is current: one at a time. */
  function inTab<Value>(handle: string, method: string, path: string, body?: object): Promise<Value> {
    const run = async (): Promise<Value> => {
      await command('POST', `${session}/window`, { handle })
      return command(method, `${session}${path}`, body)
    }
    const result = last.then(run)
    last = result.catch(() => undefined)
    return result
  }

  return {
    async open(url) {
      const { handle } = await command<{ handle: string }>('POST', `${session}/window/new`, { type: 'window' })
      handles.add(handle)
      await inTab(handle, 'POST', '/url', { url })
      return {
        goto: (address) => inTab(handle, 'POST', '/url', { url: address }),
        evaluate: (expression) =>
          inTab(handle, 'POST', '/execute/sync', { script: `return (${expression})`, args: [] }),
      }
    },
    async closeTabs() {
      for (const handle of handles) await inTab(handle, 'DELETE', '/window')
      handles.clear()
      await command('POST', `${session}/window`, { handle: first })
    },
    async close() {
      await command('DELETE', session)
      await Promise.all([driver, screen].map(end))
    },
  }
}

async function command<Value>(method: string, url: string, body?: object): Promise<Value> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } }
  if (!response.ok) throw new Error(`WebDriver: ${value.error} ${value.message}`)
  return value
}

async function waitForDriver(url: string): Promise<void> {
  const end = Date.now() + PATIENCE
  while (Date.now() < end) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await sleep(50)
  }
  throw new Error('The WebDriver of WebKit did not start.')
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout) for await (const line of createInterface(stdout)) return line
  throw new Error('The screen did not start.')
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill()
  await exit
}
