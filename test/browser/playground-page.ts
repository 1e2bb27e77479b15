import type { Locator, Page } from 'playwright-core'
import type { SignalStatus } from '../../src/status.js'

export async function waitForState(page: Page, ...states: SignalStatus['state'][]): Promise<void> {
  await page.waitForSelector(states.map((state) => `#connection[data-state=${state}]`).join())
}

export async function waitForCounter(page: Page, name: string, count: number): Promise<void> {
  await page.locator(`[data-counter=${name}] dd`).getByText(String(count), { exact: true }).waitFor()
}

export function button(page: Page, name: string): Locator {
  return page.getByRole('button', { name, exact: true })
}

/** Entries of the log that hold a text. */
export function received(page: Page, text: string): Locator {
  return page.locator('#log > li', { hasText: text })
}

export async function sendByForm(page: Page, name: string, data: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Data').fill(data)
  await button(page, 'Send signal').click()
}

/** The states of the timeline, the oldest first. */
export function timeline(page: Page): Promise<(string | null)[]> {
  return page
    .locator('#timeline > li')
    .evaluateAll((entries) => entries.map((entry) => entry.getAttribute('data-state')).toReversed())
}
