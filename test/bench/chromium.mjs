/** Chromium, and a server of the pages that it shows. */
import { createServer } from 'node:http'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { file } from './peers.mjs'

/** Starts both; `answer` handles the requests for pages. */
export async function openChromium(answer) {
  const http = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    answer(request, response)
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })
  return {
    http,
    browser,
    address: `http://127.0.0.1:${http.address().port}`,
    async stop() {
      await browser.close()
      http.closeAllConnections()
      http.close()
    },
  }
}

/** A bundle as pages load it, minified; imports are found from this folder. */
export async function bundle(contents, format = 'iife') {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: file('.') },
    bundle: true,
    minify: true,
    write: false,
    legalComments: 'none',
    format,
  })
  return outputFiles[0].text
}
