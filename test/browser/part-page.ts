import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { useTabs } from './chromium.js'
import { readUmd, serve, type StaticServer } from './static-server.js'

/** A page with a part that its own refresh action renews, without a relay. */
export interface PartPage {
  readonly page: Page
  /** Refreshes the part, which the server renders like this now, and returns the result of the action as text. */
  refresh(html: string): Promise<string>
  evaluate<Value>(expression: string): Promise<Value>
}

export const DONE = 'undefined'
export const NOT_YET = 'Symbol(not yet)'

const TAGS = '<script src="/signalpost.min.js"></script><script src="/signalpost-morph.min.js"></script>'

/**
 * One server and one browser for the file. The returned function opens a page with the part `#part`, which the user has
 * clicked once; `$part` stands for the part in what is around it.
 *
 * @param options The options of `replaceElement`, as an expression in the page.
 */
export function usePartPages(options = '{}'): (part: string, around?: string) => Promise<PartPage> {
  const tabs = useTabs()
  const pages: Record<string, string> = {}
  let server: StaticServer

  beforeAll(async () => {
    const morph = await readFile(new URL('../../dist/umd/signalpost-morph.min.js', import.meta.url), 'utf8')
    const files = { '/signalpost.min.js': await readUmd(), '/signalpost-morph.min.js': morph }
    server = await serve(files, {}, ({ url = '/' }, response) => {
      const html = pages[url]
      if (html === undefined) return false
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
      response.end(`<!doctype html><meta charset="utf-8">${TAGS}${html}`)
      return true
    })
  })
  afterAll(() => server.close())

  return async (part, around = '$part') => {
    const path = `/${Object.keys(pages).length}`
    const render = (html: string): void => {
      pages[path] = around.replace('$part', () => `<section id="part">${html}</section>`)
    }
    render(part)
    const page = await tabs.open(server.page + path.slice(1))
    await page.evaluate(`
      Signalpost.bindHtml()
      window.action = Signalpost.replaceElement('#part', ${options})
      window.refresh = async () => {
        const signal = new AbortController().signal
        return String(await action({ changedAt: performance.now(), signals: [], signal }))
      }`)
    await page.mouse.click(1, 1)
    return {
      page,
      evaluate: (expression) => page.evaluate(expression),
      async refresh(html) {
        render(html)
        return page.evaluate('refresh()')
      },
    }
  }
}
