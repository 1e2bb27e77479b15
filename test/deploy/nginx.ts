import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { findFreePort } from '../support/free-port.mjs'
import { makeFolder, PATIENCE, readKit, run } from './fixtures.js'
import { findProgram } from './programs.js'

export const NGINX = findProgram('nginx')
export const OPENSSL = findProgram('openssl')

export const NGINX_ADVICE = 'nginx and openssl are missing: apt-get install nginx openssl.'

/** The files of the kit as one text. */
export const NGINX_KIT = [
  readKit('nginx-upstream.conf'),
  readKit('nginx-site.conf').replace('include snippets/signalpost.conf;', () => readKit('nginx-locations.conf')),
].join('\n')

export interface Nginx {
  readonly folder: string
  /** The main configuration file. */
  readonly file: string
  readonly errors: string
  readonly http: number
  readonly https: number
  /** The certificate that it shows for example.com. */
  readonly certificate: string
}

/** Runs nginx with a server's configuration: only addresses, certificates and folders are changed. */
export async function startNginx(site: string, relays: readonly number[]): Promise<Nginx> {
  const folder = await makeFolder()
  // As root, nginx works as another user.
  await chmod(folder, 0o755)
  const [http, https] = [await findFreePort(), await findFreePort()]
  const [certificate, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')]
  const asked = 'req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=example.com'
  const files = ['-addext', 'subjectAltName=DNS:example.com', '-keyout', key, '-out', certificate]
  const made = await run(OPENSSL ?? '', asked.split(' ').concat(files))
  if (made.code !== 0) throw new Error(made.text)
  const adapted = site
    .replaceAll(/listen (\[::\]:)?80;/g, (_, six: string) => (six ? '' : `listen 127.0.0.1:${http};`))
    .replaceAll(/listen (\[::\]:)?443 ssl;/g, (_, six: string) => (six ? '' : `listen ${https} ssl;`))
    .replaceAll('/etc/signalpost', folder)
    .replaceAll('/var/www/html', folder)
    .replaceAll(/127\.0\.0\.1:808(\d)/g, (_, digit: string) => `127.0.0.1:${relays[Number(digit) - 1] ?? 1}`)
  const [file, errors] = [join(folder, 'nginx.conf'), join(folder, 'error.log')]
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  await writeFile(join(folder, 'site.conf'), adapted)
  await writeFile(join(folder, 'index.html'), 'the site')
  await writeFile(
    file,
    `pid ${folder}/nginx.pid;
error_log ${errors} warn;
worker_processes 1;
events { worker_connections 1024; }
http { access_log off; ${places.join(' ')} include ${folder}/site.conf; }
`,
  )
  const child = spawn(NGINX ?? '', ['-c', file, '-e', errors, '-g', 'daemon off;'], { stdio: 'ignore' })
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const end = Date.now() + PATIENCE
  const nginx = { folder, file, errors, http, https, certificate }
  while (!(await ask(nginx, '/').catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(readFileSync(errors, 'utf8'))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return nginx
}

export interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Question {
  readonly isPlain?: boolean
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The visitor's address. */
  readonly from?: string
}

/** Asks nginx for a path of example.com, over TLS unless it is plain. */
export function ask(nginx: Nginx, path: string, { isPlain, from, body, ...question }: Question = {}): Promise<Answer> {
  const options = {
    ...question,
    path,
    host: '127.0.0.1',
    port: isPlain ? nginx.http : nginx.https,
    agent: false,
    headers: { Host: 'example.com', ...question.headers },
    ...(from !== undefined && { localAddress: from }),
  }
  return new Promise((resolve, reject) => {
    const asking = isPlain
      ? request(options)
      : requestSecurely({ ...options, servername: 'example.com', ca: readFileSync(nginx.certificate) })
    asking.on('error', reject)
    asking.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.destroy()
      resolve({ status: statusCode, headers, body: '' })
    })
    asking.on('response', (response) => {
      let text = ''
      response.on('data', (bytes) => (text += String(bytes)))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }))
    })
    asking.end(body)
  })
}

/** The headers with which a page of example.com asks for a WebSocket. */
export const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  Origin: 'https://example.com',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
