import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { describeInChromium, useTabs } from './chromium.js'
import { readUmd, serve } from './static-server.js'

const REFRESH = `{ changedAt: performance.now(), signals: [], signal: new AbortController().signal }`

/** A report whose filter is posted, under a token that is good for one POST only. */
async function openFilterSite(method: string) {
  const site = { token: 0, income: 1, status: 200, location: '', posts: [] as string[] }
  const render = (year: string): string => `<!doctype html><script src="/signalpost.min.js"></script>
    <form method="post"><input type="hidden" name="csrf_token" value="of another form"></form>
    <form method="${method}"><input type="hidden" name="csrf_token" value="${site.token}">
    <input name="year" value="${year}"><button name="show" value="1">Show</button></form>
    <section id="report">${site.income} in ${year}</section>`
  const server = await serve({ '/signalpost.min.js': await readUmd() }, {}, (request, response) => {
    if (!request.url?.startsWith('/report')) return false
    void (async () => {
      const body = await text(request)
      const isPost = request.method === 'POST'
      const data = new URLSearchParams(isPost ? body : (request.url ?? '').split('?')[1])
      if (isPost) site.posts.push(body)
      const isGood = !isPost || data.get('csrf_token') === String(site.token)
      if (isPost) site.token += 1
      if (site.location) response.writeHead(303, { Location: site.location })
      else response.writeHead(isGood ? site.status : 419, { 'Content-Type': 'text/html' })
      response.end(isGood ? render(data.get('year') ?? '2026') : 'Page expired')
    })()
    return true
  })
  onTestFinished(server.close)
  return Object.assign(site, { page: `${server.page}report` })
}

describeInChromium('a section whose content a form decides', () => {
  const tabs = useTabs()

  it.each(['post', 'get'])('is refreshed by what a submit of the form would show: %s', async (method) => {
    const site = await openFilterSite(method)
    const page = await tabs.open(site.page)
    await page.locator('[name=year]').fill('2025')
    await page.locator('form + form button').click()
    await page.getByText('1 in 2025').waitFor()
    const length = await page.evaluate('history.length')
    await page.evaluate(
      `window.isFirst = true; window.action = Signalpost.replaceElement('#report', { form: 'form + form' })`,
    )
    await page.evaluate(`addEventListener('formdata', ({ target }) => {
      window.isMarked = target.hasAttribute('data-signal-refreshing')
    })`)
    for (const income of [2, 3]) {
      site.income = income
      // Another tab has used up the token of this page.
      if (method === 'post') site.token += 1
      await page.evaluate(`action(${REFRESH})`)
      expect(await page.locator('#report').textContent()).toBe(`${income} in 2025`)
    }
    expect(await page.evaluate('[isFirst, isMarked, history.length]')).toEqual([true, true, length])
    expect(site.posts.every((body) => /^csrf_token=\d+&year=2025&show=1$/.test(body))).toBe(true)
    await page.locator('form + form button').click()
    await page.getByText('3 in 2025').waitFor()
  })

  it.each([
    ['405', { status: 405 }],
    ['403', { status: 403 }],
    ['419', { status: 419 }],
    ['a redirect elsewhere', { location: '/login' }],
  ])('stays as it is when the server answers %s, and the action tells it', async (_what, answer) => {
    const site = await openFilterSite('post')
    const page = await tabs.open(site.page)
    await page.evaluate(`window.action = Signalpost.replaceElement('#report', { form: 'form + form' })`)
    Object.assign(site, answer, { income: 2 })
    expect(await page.evaluate(`action(${REFRESH}).catch(({ code }) => code)`)).toBe('refresh-failed')
    expect(await page.locator('#report').textContent()).toBe('1 in 2026')
  })

  it.each([
    ['405', { status: 405 }],
    ['a redirect elsewhere', { location: '/login' }],
  ])('stays as it is when its form refreshes the page and the server answers %s', async (_what, answer) => {
    const site = await openFilterSite('post')
    const page = await tabs.open(site.page)
    await page.evaluate(`window.action = Signalpost.submitForm('form + form')`)
    Object.assign(site, answer, { income: 2 })
    expect(await page.evaluate(`action(${REFRESH}).catch(({ code }) => code)`)).toBe('refresh-failed')
    expect(await page.locator('#report').textContent()).toBe('1 in 2026')
  })

  it('is submitted with a fresh token where the form itself refreshes the page', async () => {
    const site = await openFilterSite('post')
    const page = await tabs.open(site.page)
    await page.evaluate(`window.action = Signalpost.submitForm('form + form')`)
    site.token += 5
    const loaded = page.waitForEvent('load')
    await page.evaluate(`void action(${REFRESH})`)
    await loaded
    // The first response was no error, and brought the token of the second one.
    expect(site.posts).toEqual(['csrf_token=5&year=2026&show=1', 'csrf_token=6&year=2026&show=1'])
    expect(await page.locator('#report').textContent()).toBe('1 in 2026')
  })
})
