import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WebSocket } from 'ws'
import { check, findFreePort, inFolder, ROOT, run, serve, waitUntil } from './kit.mjs'

/** Executes the code of `examples/guides/servers.md` in the real frameworks, against a real relay. */

const GUIDE = join(ROOT, 'examples/guides/servers.md')
const FIXTURES = join(ROOT, 'test/consumers/servers')
const PUBLISH_SECRET = 'a-secret-of-the-backend'
const AUTH_SECRET = 'a-secret-of-32-characters-or-more'

/** Each application signs in as user 7 at `/sign-in`, has a form at `/form`, and takes it at `/incomes`. */
const SERVERS = {
  async django({ folder, code, port }) {
    const [signals, views] = await code('Django and Flask', 'python')
    await write(folder, { 'signals.py': signals, 'views.py': (await fixture('django/views.py')) + views })
    await cp(join(FIXTURES, 'django/app.py'), join(folder, 'app.py'))
    await run('/usr/bin/python3', ['app.py', 'migrate', '--run-syncdb'], { cwd: folder, env: { AUTH_SECRET } })
    return ['/usr/bin/python3', ['app.py', 'runserver', '--noreload', String(port)]]
  },

  async flask({ folder, code, port }) {
    const [signals, , views] = await code('Django and Flask', 'python')
    await write(folder, { 'signals.py': signals, 'app.py': (await fixture('flask/app.py')) + views })
    return ['/usr/bin/python3', ['-m', 'flask', 'run', '--port', String(port)]]
  },

  async express({ folder, code }) {
    const [app] = await code('Express', 'mjs')
    await write(folder, { 'app.mjs': (await fixture('express/app.mjs')).replace('// GUIDE', app), 'package.json': '{}' })
    await run('npm', ['install', '--no-audit', '--no-fund', 'express@5.1.0', 'express-session@1.18.2', 'jose@6.1.0'], {
      cwd: folder,
    })
    return ['node', ['app.mjs']]
  },

  async rails({ folder, code, port }) {
    const [signals, controller, callback] = await code('Rails', 'ruby')
    const app = (await fixture('rails/config.ru')).replace('# SIGNALS', signals).replace('# CONTROLLER', controller)
    await write(folder, { 'config.ru': app.replace('# CALLBACK', callback) })
    return ['puma', ['--environment', 'development', '--bind', `tcp://127.0.0.1:${port}`]]
  },
}

export const servers = Object.keys(SERVERS).map((name) => ({ name, run: () => inFolder((folder) => tryServer(name, folder)) }))

async function tryServer(name, folder) {
  const relay = await startRelay()
  let server
  try {
    const port = await findFreePort()
    const site = `http://127.0.0.1:${port}`
    const env = { PORT: String(port), RELAY_URL: relay.page, PUBLISH_SECRET, AUTH_SECRET }
    const [command, args] = await SERVERS[name]({ folder, code, port })
    server = await serve(command, args, { cwd: folder, env, url: `${site}/form` })
    await checkSite(site, relay)
  } catch (error) {
    throw new Error(`${error.stack}\n${server?.output().slice(-3000) ?? ''}`)
  } finally {
    await server?.stop()
    await relay.stop()
  }
}

async function checkSite(site, relay) {
  const visitor = await createVisitor(site)
  check(!isToken(await (await visitor.get('/signal-token')).text()), 'A visitor got a token')

  await visitor.get('/sign-in')
  const answer = await visitor.get('/signal-token')
  const token = await answer.text()
  check(isToken(token), `There is no token: ${answer.status} ${token.slice(0, 500)}`)
  check(/^text\/plain/.test(answer.headers.get('content-type')), 'The token is not plain text')
  check(/no-store|no-cache/.test(answer.headers.get('cache-control')), 'Caches may keep the token')
  const page = await connect(relay.url, token)
  check(page.welcome.user === '7', `The token is for ${page.welcome.user}`)

  const form = await (await visitor.get('/form')).text()
  const [, name, value] = /name="(\w*(?:csrf|authenticity)\w*)" (?:type="hidden" )?value="([^"]+)"/.exec(form) ?? []
  const forged = await visitor.post('/incomes', { amount: '1' }, 'cross-site')
  check(forged.status >= 400, `A forged form was taken: ${forged.status}`)
  const saved = await visitor.post('/incomes', { amount: '250', ...(name && { [name]: value }) }, 'same-origin')
  check(saved.status < 400, `The form was not taken: ${saved.status} ${(await saved.text()).slice(0, 2000)}`)
  await waitUntil(() => page.heard.length > 0, 'the signal')
  check(page.heard[0].signal === 'ReportIncome', `Another signal came: ${page.heard[0].signal}`)
  page.close()
}

/** A browser without a page: it keeps cookies, and does not follow redirects. */
function createVisitor(site) {
  const cookies = new Map()
  const ask = async (path, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(site + path, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      cookies.set(name, value)
    }
    return response
  }
  return {
    get: (path) => ask(path),
    post: (path, fields, from) =>
      ask(path, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { origin: site, referer: `${site}/form`, 'sec-fetch-site': from },
      }),
  }
}

async function connect(url, token) {
  const socket = new WebSocket(url, { origin: 'http://localhost' })
  const heard = []
  let welcome
  let isJoined = false
  socket.on('message', (bytes) => {
    const frame = JSON.parse(String(bytes))
    if (frame.type === 'welcome') welcome = frame
    if (frame.type === 'joined') isJoined = true
    if (frame.type === 'signal') heard.push(frame)
  })
  await once(socket, 'open')
  const tab = randomBytes(16).toString('base64url')
  socket.send(JSON.stringify({ type: 'hello', v: 1, tab, token, rooms: [{ room: 'main' }] }))
  await waitUntil(() => isJoined, 'the room')
  return { welcome, heard, close: () => socket.terminate() }
}

async function startRelay() {
  const port = await findFreePort()
  const page = `http://127.0.0.1:${port}`
  const args = ['--port', port, '--origin', 'http://localhost', '--auth-secret', AUTH_SECRET]
  const main = join(ROOT, 'dist/relay/main.js')
  const relay = await serve('node', [main, 'relay', ...args, '--publish-key', `site:${PUBLISH_SECRET}`].map(String), {
    url: `${page}/health`,
  })
  return { page, url: `ws://127.0.0.1:${port}/signals`, stop: relay.stop }
}

function isToken(text) {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
}

/** The blocks of code in a section of the guide. */
async function code(heading, language) {
  const section = (await readFile(GUIDE, 'utf8')).split(/^## /m).find((text) => text.startsWith(`${heading}\n`))
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text)
}

function fixture(path) {
  return readFile(join(FIXTURES, path), 'utf8')
}

async function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}
