import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { CHROMIUM_PATH, FLAGS } from './chromium.js'
import type { Tab, TabBrowser } from './tab-browser.js'

/**
 * A tab whose life cycle is real: playwright turns the back/forward cache and the freezing of hidden tabs off, and makes
 * every tab believe that it is seen.
 */
export interface ChromiumTab extends Tab {
  /** The entry before the current one, as by the button. */
  back(): Promise<void>
  /** Puts it before the other tabs of its window. */
  show(): Promise<void>
  close(): Promise<void>
  /** Ends the process of the page. */
  crash(): void
  /** What the browser does to a hidden tab, or what ends it. */
  setLifecycle(state: 'frozen' | 'active'): Promise<void>
  /** The page is told, and new connections fail; what is open stays open. */
  setOffline(isOffline: boolean): Promise<void>
}

export interface Chromium extends TabBrowser<ChromiumTab> {
  /** Opens a tab in a window of its own, so that it is seen; or beside the one that was opened last. */
  open(url: string, place?: 'new window' | 'same window'): Promise<ChromiumTab>
  /** The tabs that pages opened by themselves. */
  popups(): Promise<ChromiumTab[]>
}

/** Starts Chromium without any automation defaults, and drives it through its own protocol. */
export async function launchChromium(...moreFlags: string[]): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const flags = [...FLAGS, ...moreFlags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
  const child = spawn(CHROMIUM_PATH ?? 'chromium', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  const devtools = await openDevtools(await findAddress(child))
  const known = new Set<string>()

  async function attach(targetId: string): Promise<ChromiumTab> {
    known.add(targetId)
    const { sessionId } = await devtools.send<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    })
    const send = <Result>(method: string, params?: object): Promise<Result> => devtools.send(method, params, sessionId)

    return {
      async goto(url) {
        await send('Page.navigate', { url })
      },

      async evaluate<Value>(expression: string): Promise<Value> {
        const params = { expression, returnByValue: true, awaitPromise: true, userGesture: true }
        const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', params)
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
        return result.value as Value
      },

      async back() {
        const { currentIndex, entries } = await send<History>('Page.getNavigationHistory')
        await send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id })
      },

      async show() {
        await send('Page.bringToFront')
      },

      async close() {
        known.delete(targetId)
        await devtools.send('Target.closeTarget', { targetId })
      },

      crash() {
        // The page never answers.
        send('Page.crash').catch(() => undefined)
      },

      async setLifecycle(state) {
        await send('Page.setWebLifecycleState', { state })
      },

      async setOffline(offline) {
        await send('Network.enable')
        await send('Network.emulateNetworkConditions', {
          offline,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: -1,
        })
      },
    }
  }

  return {
    async open(url, place = 'new window') {
      const { targetId } = await devtools.send<{ targetId: string }>('Target.createTarget', {
        url,
        newWindow: place === 'new window',
      })
      return attach(targetId)
    },

    async popups() {
      const { targetInfos } = await devtools.send<{ targetInfos: readonly TargetInfo[] }>('Target.getTargets')
      const fresh = targetInfos.filter((info) => info.type === 'page' && info.openerId && !known.has(info.targetId))
      return Promise.all(fresh.map(({ targetId }) => attach(targetId)))
    },

    async closeTabs() {
      await Promise.all([...known].map((targetId) => devtools.send('Target.closeTarget', { targetId })))
      known.clear()
    },

    async close() {
      const exit = once(child, 'exit')
      await Promise.race([devtools.send('Browser.close'), exit])
      await exit
      await rm(profile, { recursive: true, force: true, maxRetries: 20 })
    },
  }
}

interface Evaluated {
  readonly result: { readonly value?: unknown }
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}

interface History {
  readonly currentIndex: number
  readonly entries: readonly { readonly id: number }[]
}

interface TargetInfo {
  readonly targetId: string
  readonly type: string
  readonly openerId?: string
}

async function findAddress(child: ChildProcess): Promise<string> {
  if (!child.stderr) throw new Error('Chromium has no stderr.')
  for await (const line of createInterface(child.stderr)) {
    const [, address] = /^DevTools listening on (ws:\S+)/.exec(line) ?? []
    if (!address) continue
    // Whatever else it says must not fill the pipe.
    child.stderr.resume()
    return address
  }
  throw new Error('Chromium did not start.')
}

interface Devtools {
  send<Result>(method: string, params?: object, sessionId?: string): Promise<Result>
}

async function openDevtools(address: string): Promise<Devtools> {
  const socket = new WebSocket(address)
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  let last = 0

  socket.on('message', (bytes) => {
    // An answer to a call of ours; events, which have no id, are not asked for.
    const { id, result, error } = JSON.parse(String(bytes)) as Answer
    if (error) calls.get(id)?.reject(new Error(error.message))
    else calls.get(id)?.resolve(result as never)
    calls.delete(id)
  })
  socket.on('close', () => {
    for (const { reject } of calls.values()) reject(new Error('Chromium is gone.'))
  })
  await once(socket, 'open')

  return {
    send(method, params, sessionId) {
      last += 1
      const id = last
      socket.send(JSON.stringify({ id, method, params, sessionId }))
      return new Promise((resolve, reject) => calls.set(id, { resolve, reject }))
    },
  }
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}
