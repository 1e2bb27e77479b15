import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RefreshAction } from '../../src/refresh/index.js'
import { pass } from '../support/mock-relay.js'
import { openPage } from './refresh-page.js'

let page: Awaited<ReturnType<typeof openPage>>
let element: Element
let failures = 0

beforeEach(async () => {
  page = await openPage()
  failures = 0
  element = document.createElement('section')
  document.body.append(element)
})

afterEach(async () => {
  expect(await page.close()).toBe(0)
})

const line = (): string | undefined =>
  document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('.line:not([hidden])')?.className
const hint = (): string | null | undefined =>
  document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('.hint:not([hidden])')?.textContent
const isBusy = (): boolean => element.hasAttribute('aria-busy')

/** An action that takes a while, and fails as often as it is told to. */
function lasting(milliseconds: number): RefreshAction {
  const action: RefreshAction = async ({ signal }) => {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      signal.addEventListener('abort', () => clearTimeout(timer))
    })
    failures -= 1
    if (failures >= 0) throw new Error('down')
  }
  return Object.assign(action, { target: () => element })
}

async function run(): Promise<void> {
  page.relay.deliver('ReportIncome')
  await pass(160)
}

describe('a refresh', () => {
  it('shows nothing when it takes less than 200 ms', async () => {
    page.refresh(lasting(190))
    await run()
    const seen: unknown[] = []
    for (let time = 0; time < 300; time += 10) {
      seen.push(line(), isBusy())
      await pass(10)
    }
    expect(new Set(seen)).toEqual(new Set([undefined, false]))
  })

  it('shows the line, and that its element is busy, for as long as it takes', async () => {
    page.refresh(lasting(1000))
    await run()
    await pass(250)
    expect([line(), isBusy(), element.getAttribute('aria-busy')]).toEqual(['line', true, 'true'])
    await pass(1000)
    expect([line(), isBusy()]).toEqual([undefined, false])
    expect(document.querySelector('signalpost-notice')).toBeNull()
  })

  it('shows it on the element that the options name', async () => {
    const other = document.createElement('div')
    page.refresh(lasting(1000), { indicator: other })
    await run()
    await pass(250)
    expect([other.ariaBusy ?? other.getAttribute('aria-busy'), isBusy()]).toEqual(['true', false])
  })

  it('shows nothing at all with `indicator: false`', async () => {
    failures = 1
    page.refresh(lasting(1000), { indicator: false })
    await run()
    await pass(500)
    expect([line(), isBusy()]).toEqual([undefined, false])
    await pass(2000)
    expect(document.querySelector('signalpost-notice')).toBeNull()
  })

  it('that failed shows it until the next success', async () => {
    failures = 2
    page.refresh(lasting(10))
    await run()
    await pass(150)
    expect([line(), hint()]).toEqual(['line failed', 'This page could not be refreshed.Try again'])
    await pass(60_000)
    await run()
    await pass(2000)
    expect([line(), hint()]).toEqual(['line failed', 'This page could not be refreshed.Try again'])
    await run()
    await pass(2000)
    expect(document.querySelector('signalpost-notice')).toBeNull()
  })

  it('that failed is tried again by a click', async () => {
    failures = 1
    page.refresh(lasting(10))
    await run()
    await pass(150)
    document.querySelector('signalpost-notice')?.shadowRoot?.querySelector('button')?.click()
    await pass(50)
    expect(document.querySelector('signalpost-notice')).toBeNull()
    expect(page.phases.slice(-3)).toEqual(['dirty ReportIncome 1', 'running ReportIncome 1', 'done ReportIncome 1'])
  })

  it('that is stopped takes with it what it shows', async () => {
    const stop = page.refresh(lasting(1000))
    await run()
    await pass(250)
    stop()
    expect([document.querySelector('signalpost-notice'), isBusy()]).toEqual([null, false])
  })

  it('goes on being shown while more signals come', async () => {
    page.refresh(lasting(2000))
    await run()
    await pass(250)
    await run()
    expect([line(), isBusy()]).toEqual(['line', true])
  })
})

describe('the style', () => {
  it('is in the shadow root only, and moves nothing for those who do not want that', async () => {
    page.refresh(lasting(1000))
    await run()
    await pass(250)
    const sheets = document.querySelector('signalpost-notice')?.shadowRoot?.adoptedStyleSheets ?? []
    const rules = sheets.flatMap(({ cssRules }) => [...cssRules].map(({ cssText }) => cssText)).join('\n')
    expect(rules).toContain('prefers-reduced-motion')
    expect(rules).toContain('--signalpost-color')
    expect(document.querySelectorAll('style, [style]')).toHaveLength(0)
    expect(document.adoptedStyleSheets ?? []).toHaveLength(0)
  })
})
