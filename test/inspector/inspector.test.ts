import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSignalClient, sendSignal, type SignalClient } from '../../src/index.js'
import { type InspectorOptions, showInspector } from '../../src/inspector/index.js'
import { refreshOn } from '../../src/refresh/index.js'
import { setSharing } from '../../src/tabs/sharing.js'
import { createTestRelay, type TestRelay } from '../../src/testing/index.js'

let relay: TestRelay
let client: SignalClient
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers()
  relay = createTestRelay()
  client = createSignalClient({ onError: () => undefined })
  stop = () => undefined
})

afterEach(() => {
  stop()
  client.close()
  relay.close()
  vi.useRealTimers()
  document.body.replaceChildren()
})

async function show(options?: InspectorOptions): Promise<void> {
  stop = showInspector(options)
  await pass()
}

async function pass(milliseconds = 100): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds)
}

function panel(): ShadowRoot {
  const root = document.querySelector('signalpost-inspector')?.shadowRoot
  if (!root) throw new Error('There is no inspector.')
  return root
}

/** The counters that are not zero. */
function counters(): Record<string, number> {
  const rows = [...panel().querySelectorAll('dl div')].map((row) => {
    const [name, count] = [...row.children].map(({ textContent }) => textContent ?? '')
    return [name ?? '', Number(count)] as const
  })
  return Object.fromEntries(rows.filter(([, count]) => count !== 0))
}

/** The timeline without its times. */
function timeline(): string[] {
  return [...panel().querySelectorAll('li')].map((item) => item.textContent.replace(/^[\d:.]+ /, ''))
}

function button(label: string): HTMLButtonElement {
  const found = [...panel().querySelectorAll('button')].find(({ textContent }) => textContent === label)
  if (!found) throw new Error(`There is no button ${label}.`)
  return found
}

function showData(): void {
  const box = panel().querySelector('input')
  if (!box) throw new Error('There is no box.')
  box.checked = true
  box.dispatchEvent(new Event('change'))
}

/** What the clipboard gets. */
async function copied(): Promise<string> {
  let text = ''
  vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(async (written) => void (text = written))
  button('Copy report').click()
  await pass()
  return text
}

describe('the inspector', () => {
  it('counts and lists what the page sends and hears, and what becomes of it', async () => {
    await show()
    void sendSignal('ReportIncome', { userId: 123 })
    await pass()
    relay.send('Saved', undefined)
    await pass()
    expect(counters()).toEqual({ Sent: 1, Accepted: 1, Received: 2 })
    expect(timeline()).toEqual([
      'status: connecting, attempt 1',
      'status: online',
      'sent: ReportIncome',
      'received: ReportIncome from this page',
      'sent: ReportIncome is accepted',
      'received: Saved from another-page',
    ])
  })

  it('tells what still waits, and what failed', async () => {
    await show()
    relay.refuse(1006)
    relay.drop()
    void client.sendSignal('ReportIncome', 1, { ttl: 5000 })
    await pass()
    const before = counters()
    await pass(5000)
    expect(before).toEqual({ Sent: 1, Waiting: 1 })
    expect(counters()).toEqual({ Sent: 1, Failed: 1 })
    expect(timeline()).toContain('sent: ReportIncome is unknown: expired')
  })

  it('tells gaps, and each status with its reason', async () => {
    await show()
    relay.gap()
    relay.drop()
    await pass(3000)
    expect(counters()).toEqual({ Gaps: 1 })
    expect(timeline().slice(2)).toEqual([
      'gap: signals may be missing: epoch',
      expect.stringMatching(/^status: waiting \d+ ms after attempt 1: 1006$/),
      'status: connecting, attempt 2',
      'status: online again',
    ])
  })

  it('tells where the connection is that tabs share', async () => {
    onTestFinished(() => setSharing(undefined))
    setSharing({ connection: 'other-tab', clients: 1 })
    await show()
    setSharing({ connection: 'other-tab', clients: 1 })
    setSharing({ connection: 'this-tab', clients: 2 })
    setSharing(undefined)
    setSharing({ connection: 'own', clients: 1 })
    await pass()
    expect(timeline().filter((line) => line.includes('connection'))).toEqual([
      'status: another tab has the connection, clients on it: 1',
      'status: this tab has the connection, clients on it: 2',
      'status: the connection is not shared',
    ])
  })

  it('counts what refreshes save, and what the user holds back', async () => {
    await show()
    let isBusy = false
    const end = refreshOn('ReportIncome', () => undefined, { guard: () => isBusy })
    for (let count = 0; count < 5; count++) relay.send('ReportIncome', count)
    await pass(1000)
    const calm = timeline().filter((line) => line.startsWith('refresh'))
    isBusy = true
    relay.send('ReportIncome')
    await pass(1000)
    end()
    expect(calm).toEqual([
      'refresh: ReportIncome dirty',
      'refresh: ReportIncome running, for 5 signals',
      'refresh: ReportIncome done, for 5 signals',
    ])
    expect(counters()).toEqual({ Received: 6, Coalesced: 4, 'Held back': 1 })
  })

  it('hears the rooms that it is told', async () => {
    await show({ rooms: ['team:7'] })
    relay.send('Saved', undefined, { room: 'team:7' })
    relay.send('Saved')
    await pass()
    expect(timeline().slice(2)).toEqual(['received: Saved in team:7 from another-page'])
  })

  it('follows the page to another client', async () => {
    client.close()
    await show()
    client = createSignalClient()
    await pass()
    expect(timeline()).toEqual(['status: idle', 'status: connecting, attempt 1', 'status: online'])
  })

  it('shows data only when it is asked to, and takes no text for HTML', async () => {
    await show()
    relay.send('Saved', { note: '<img src=x onerror=alert(1)>' })
    await pass()
    const hidden = timeline().join()
    showData()
    expect(hidden).not.toContain('onerror')
    expect(panel().querySelector('code')?.textContent).toBe('{"note":"<img src=x onerror=alert(1)>"}')
    expect(panel().querySelector('img')).toBeNull()
  })

  it('copies a report without data and without the query of the page, unless data is shown', async () => {
    window.history.replaceState(null, '', '/report?token=secret#part')
    await show()
    relay.send('Saved', { iban: 'DE02' })
    await pass()
    const plain = await copied()
    showData()
    const whole = await copied()
    expect(plain).toMatch(/^signalpost report\ntime: .+\npage: http:\/\/localhost:3000\/report\n/)
    expect(plain).toMatch(/^[\d:.]+ received: Saved from another-page$/m)
    expect(plain).not.toMatch(/DE02|secret/)
    expect(whole).toContain('received: Saved from another-page {"iban":"DE02"}')
    expect(whole).not.toContain('secret')
    expect(panel().querySelector('[role=status]')?.textContent).toBe('Copied.')
  })

  it('offers the text where the clipboard is not allowed', async () => {
    await show()
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('not allowed'))
    button('Copy report').click()
    await pass()
    const text = panel().querySelector('textarea')
    expect([text?.hidden, text?.value.split('\n')[0]]).toEqual([false, 'signalpost report'])
    expect(panel().querySelector('[role=status]')?.textContent).toBe('Copy the selected text.')
  })

  it('keeps the last 200 lines', async () => {
    await show()
    for (let count = 0; count < 500; count++) relay.send('Saved', count)
    await pass()
    relay.send('Last')
    await pass()
    expect(counters()).toEqual({ Received: 501 })
    expect(timeline()).toHaveLength(200)
    expect(timeline().at(-1)).toBe('received: Last from another-page')
  })

  it.each([
    ['stop', () => stop()],
    ['its button', () => button('Close').click()],
    ['Escape', () => panel().querySelector('button')?.dispatchEvent(new KeyboardEvent('keydown', ESCAPE))],
  ])('ends with %s, and leaves the client as it was', async (_way, end) => {
    const own = client.sendSignal
    await show()
    const during = client.sendSignal
    const late = client.sendSignal('Saved')
    end()
    stop()
    expect(document.querySelector('signalpost-inspector')).toBeNull()
    expect([during === own, client.sendSignal === own]).toEqual([false, true])
    await pass()
    expect((await late).outcome).toBe('accepted')
  })

  it('keeps Escape from the page only while it has the focus', async () => {
    const pressed: string[] = []
    document.body.innerHTML = '<input id="field">'
    const field = document.querySelector('input')
    const note = ({ key }: KeyboardEvent): void => void pressed.push(key)
    document.addEventListener('keydown', note)
    await show()
    field?.dispatchEvent(new KeyboardEvent('keydown', ESCAPE))
    const isThere = document.querySelector('signalpost-inspector') !== null
    panel().querySelector('button')?.dispatchEvent(new KeyboardEvent('keydown', ESCAPE))
    document.removeEventListener('keydown', note)
    expect(isThere).toBe(true)
    expect(pressed).toEqual(['Escape'])
  })

  it('refuses a room of a bad name at the call, and shows nothing', () => {
    const own = client.sendSignal
    expect(() => showInspector({ rooms: ['main', '*'] })).toThrow(expect.objectContaining({ code: 'bad-name' }))
    expect(document.querySelector('signalpost-inspector')).toBeNull()
    expect(client.sendSignal).toBe(own)
  })

  it('is there once, however often it is shown', async () => {
    await show()
    await show()
    void client.sendSignal('Saved')
    await pass()
    expect(document.querySelectorAll('signalpost-inspector')).toHaveLength(1)
    expect(counters()).toEqual({ Sent: 1, Accepted: 1, Received: 1 })
  })

  it('leaves a stand-in that somebody else put there meanwhile, and notes no more', async () => {
    await show()
    const inner = client.sendSignal
    const other: typeof inner = (name, ...rest) => inner(name, ...rest)
    client.sendSignal = other
    stop()
    await show()
    stop()
    expect(client.sendSignal).toBe(other)
    const sending = client.sendSignal('Saved')
    await pass()
    expect((await sending).outcome).toBe('accepted')
  })
})

const ESCAPE = { key: 'Escape', bubbles: true, composed: true }
