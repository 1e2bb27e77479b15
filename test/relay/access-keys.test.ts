import { describe, expect, it } from 'vitest'
import { join, startRelay } from './protocol-client.js'

async function setup() {
  const shop = { name: 'shop', secret: 'sh,op', rooms: ['shop:*', 'main'], send: ['Saved', 'Order*'] }
  const started = await startRelay({ publishKey: [shop, { name: 'all', secret: 'all' }] })
  return {
    ...started,
    async publish(body: unknown, secret: string) {
      const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' }
      const response = await fetch(`${started.page}publish`, { method: 'POST', body: JSON.stringify(body), headers })
      const { error }: { error?: { code: string; text: string } } = await response.json()
      return { status: response.status, error }
    },
  }
}

describe('a publish key', () => {
  it('P11.8 publishes to its rooms, under its names, and nothing else', async () => {
    const { publish, url } = await setup()
    const page = await join(url, 'main', 'shop:7')
    const attempts = [
      { signal: 'Saved' },
      { signal: 'OrderPaid', room: 'shop:7' },
      { signal: 'Saved', room: 'other' },
      { signal: 'Removed' },
      [{ signal: 'Saved' }, { signal: 'Saved', room: 'other' }],
    ]
    const answers = await Promise.all(attempts.map((body) => publish(body, 'sh,op')))
    await publish({ signal: 'Removed' }, 'all')
    const heard = await page.heard(3)
    expect(answers.map(({ status, error }) => [status, error?.code])).toEqual([
      [200, undefined],
      [200, undefined],
      [403, 'denied'],
      [403, 'denied'],
      [403, 'denied'],
    ])
    expect(answers[4]?.error?.text).toMatch(/^Signal 2 of 2: /)
    expect(heard.map(({ signal, sender }) => [signal, sender.server]).toSorted()).toEqual([
      ['OrderPaid', 'shop'],
      ['Removed', 'all'],
      ['Saved', 'shop'],
    ])
  })

  it('P11.9 is told which field there is not, instead of losing it', async () => {
    const { publish } = await setup()
    const single = await publish({ signal: 'Saved', payload: 1 }, 'all')
    const list = await publish([{ signal: 'Saved' }, { signal: 'Saved', rom: 'x' }], 'all')
    expect([single.status, list.status]).toEqual([400, 400])
    expect(single.error?.text).toContain('Unknown field "payload".')
    expect(list.error?.text).toContain('Signal 2 of 2: Unknown field "rom".')
  })
})
