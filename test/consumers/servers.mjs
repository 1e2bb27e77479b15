import { findFreePort } from '../support/free-port.mjs'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WebSocket } from 'ws'
import { check, inFolder, ROOT, run, serve, waitUntil } from './processes.mjs'

/** Executes the code of `examples/guides/servers.md` in the real frameworks, against a real relay. */

const GUIDE = join(ROOT, 'examples/guides/servers.md')
const FIXTURES = join(ROOT, 'test/consumers/servers')
const PUBLISH_SECRET = 'a-secret-of-the-backend'
const AUTH_SECRET = 'a-secret-of-32-characters-or-more'

/** What the application publishes, and who is signed in, where it differs. */
const DIFFERENT = { wordpress: { user: '1', signal: 'PostSaved' } }

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
    await write(folder, {
      'app.mjs': (await fixture('express/app.mjs')).replace('// GUIDE', app),
      'package.json': '{}',
    })
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

  async wordpress({ folder, code, env, atEnd }) {
    const [plugin] = await code('WordPress', 'php')
    await cp('/usr/share/wordpress', folder, { recursive: true, dereference: true })
    await write(folder, { 'wp-content/plugins/signals.php': plugin })
    await cp(join(FIXTURES, 'wordpress'), folder, { recursive: true })
    await startDatabase(folder, atEnd)
    await run('php', ['install.php'], { cwd: folder, env })
    return ['php', ['-S', `127.0.0.1:${env.PORT}`, 'router.php']]
  },
}

/** What has to be installed, as an expression that fails where it is not. */
const NEEDS = {
  django: ['/usr/bin/python3 -c "import django, jwt"', 'apt-get install python3-django python3-jwt'],
  flask: ['/usr/bin/python3 -c "import flask, flask_wtf, jwt"', 'apt-get install python3-flaskext.wtf python3-jwt'],
  rails: [
    "ruby -e \"require 'rails'; require 'jwt'\" && puma --version",
    'apt-get install ruby-rails ruby-jwt ruby-sqlite3 puma',
  ],
  wordpress: [
    'test -d /usr/share/wordpress && mariadbd --version',
    'apt-get install wordpress mariadb-server php-cli php-mysql',
  ],
  codeigniter: ['test -d "$CODEIGNITER"', 'set CODEIGNITER to a folder with the application starter of CodeIgniter 4'],
}

export const servers = [...Object.keys(SERVERS), 'codeigniter'].map((name) => ({
  name,
  needs: NEEDS[name],
  run: () => (name === 'codeigniter' ? tryCodeIgniter() : inFolder((folder) => tryServer(name, folder))),
}))

/** Runs the tests of the PHP example in the framework itself. */
function tryCodeIgniter() {
  const args = ['--config', 'test/vitest.config.ts', '--project', 'browser', 'test/examples/php.test.ts']
  return run('npx', ['vitest', 'run', ...args])
}

async function tryServer(name, folder) {
  const relay = await startRelay()
  const ends = []
  let server
  try {
    const port = await findFreePort()
    const site = `http://127.0.0.1:${port}`
    const env = { PORT: String(port), RELAY_URL: relay.page, PUBLISH_SECRET, AUTH_SECRET }
    const [command, args] = await SERVERS[name]({ folder, code, port, env, atEnd: (end) => ends.push(end) })
    server = await serve(command, args, { cwd: folder, env, url: `${site}/form` })
    await checkSite(site, relay, { user: '7', signal: 'ReportIncome', ...DIFFERENT[name] })
  } catch (error) {
    throw new Error(`${error.stack}\n${server?.output().slice(-3000) ?? ''}`, { cause: error })
  } finally {
    await server?.stop()
    for (const end of ends) await end()
    await relay.stop()
  }
}

async function checkSite(site, relay, { user, signal }) {
  const visitor = await createVisitor(site)
  check(!isToken(await (await visitor.get('/signal-token')).text()), 'A visitor got a token')

  await visitor.get('/sign-in')
  const answer = await visitor.get('/signal-token')
  const token = await answer.text()
  check(isToken(token), `There is no token: ${answer.status} ${token.slice(0, 500)}`)
  check(answer.headers.get('content-type').startsWith('text/plain'), 'The token is not plain text')
  check(/no-store|no-cache/.test(answer.headers.get('cache-control')), 'Caches may keep the token')
  const page = await connect(relay.url, token)
  check(page.welcome.user === user, `The token is for ${page.welcome.user}`)

  const form = await (await visitor.get('/form')).text()
  const [, name, value] = /name="(\w*(?:csrf|authenticity)\w*)" (?:type="hidden" )?value="([^"]+)"/.exec(form) ?? []
  const forged = await visitor.post('/incomes', { amount: '1' }, 'cross-site')
  check(forged.status >= 400, `A forged form was taken: ${forged.status}`)
  const saved = await visitor.post('/incomes', { amount: '250', ...(name && { [name]: value }) }, 'same-origin')
  check(saved.status < 400, `The form was not taken: ${saved.status} ${(await saved.text()).slice(0, 2000)}`)
  await waitUntil(() => page.heard.length > 0, 'the signal')
  check(page.heard[0].signal === signal, `Another signal came: ${page.heard[0].signal}`)
  page.close()
}

/** A database of its own, on a socket in the folder. */
async function startDatabase(folder, atEnd) {
  const [data, socket] = [join(folder, 'db'), join(folder, 'db.sock')]
  await run('mariadb-install-db', [`--datadir=${data}`, '--user=root', '--auth-root-authentication-method=normal'])
  const args = ['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', '--user=root']
  const database = spawn('mariadbd', args, { stdio: 'ignore' })
  atEnd(async () => {
    const closed = once(database, 'close')
    database.kill('SIGKILL')
    await closed
  })
  await waitUntil(() => existsSync(socket), 'the database')
  const sql =
    'CREATE DATABASE wordpress; CREATE USER wordpress@localhost; GRANT ALL ON wordpress.* TO wordpress@localhost'
  await run('mariadb', ['--no-defaults', `--socket=${socket}`, '--user=root', '--execute', sql])
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
