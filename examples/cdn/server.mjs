import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** What any backend does: it shows a page with what was saved, saves what a form sends, and shows the page again. */

const USUAL_RELAY = 'ws://localhost:8081/signals'
const { PORT = '8080', RELAY_URL = USUAL_RELAY } = process.env
const FILES = {
  '/style.css': ['style.css', 'text/css'],
  '/send.html': ['send.html', 'text/html'],
  '/receive.html': ['receive.html', 'text/html'],
  '/signalpost.min.js': ['../../dist/umd/signalpost.min.js', 'text/javascript'],
}
const incomes = []

const read = (file) => readFile(new URL(file, import.meta.url), 'utf8')

async function answer(request, response) {
  if (request.method === 'POST') {
    const { amount } = Object.fromEntries(new URLSearchParams(await new Response(request).text()))
    incomes.push({ at: new Date(), amount: Number(amount) })
    response.writeHead(303, { Location: '/?saved' }).end()
    return
  }
  const [file, type] = FILES[request.url] ?? []
  if (file) response.writeHead(200, { 'Content-Type': type }).end((await read(file)).replaceAll(USUAL_RELAY, RELAY_URL))
  else response.writeHead(200, { 'Content-Type': 'text/html' }).end(await renderPage(request.url === '/?saved'))
}

async function renderPage(isSaved) {
  const rows = incomes.map(({ at, amount }) => `<tr><td>${at.toLocaleTimeString()}</td><td>${amount}</td></tr>`)
  const total = incomes.reduce((sum, { amount }) => sum + amount, 0)
  // Said only now, when whoever hears it and asks again gets the new row.
  const said = isSaved ? '<meta data-signal-send="ReportIncome" />' : ''
  const texts = { relay: RELAY_URL, said, rows: rows.join('\n'), total }
  return (await read('index.html')).replaceAll(/\{\{(\w+)\}\}/g, (_, name) => String(texts[name]))
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)))
})
server.listen(Number(PORT), 'localhost', () => console.log(`http://localhost:${server.address().port}/`))
