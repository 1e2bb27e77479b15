import { findFreePort } from '../support/free-port.mjs'
/** The servers that are measured, and how each is started. */
import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const file = (path) => fileURLToPath(new URL(path, import.meta.url))
export const RELAY = file('../../dist/relay/main.js')

const help = execFileSync(process.execPath, [RELAY, 'relay', '--help'], { encoding: 'utf8' })

/** Whether the relay that was built has an option. */
export const hasOption = (flag) => help.includes(flag)

/** The limits are on, and out of the way. */
const LIMITS = { '--max-connections': '50000', '--max-connections-per-address': '50000', '--rate': '1000000' }

export function relayArguments(port, extra = []) {
  const limits = Object.entries(LIMITS).filter(([flag]) => hasOption(flag))
  return [RELAY, 'relay', '--open', '--log-level', 'warn', '--port', String(port), ...limits.flat(), ...extra]
}

const node = (kind) => (port) => [process.execPath, file('servers.mjs'), kind, String(port)]

/** Each gives a command line for a port; some need a file in a folder of their own. */
const COMMANDS = {
  signalpost: (port) => [process.execPath, ...relayArguments(port)],
  ws: node('ws'),
  'socket.io': node('socket.io'),
  sockjs: node('sockjs'),
  faye: node('faye'),
  sse: node('sse'),
  bun: (port) => [file('node_modules/bun/bin/bun.exe'), file('bun-server.js'), String(port)],
  nats(port, folder, spare) {
    const text = `host: 127.0.0.1\nport: ${spare}\nwebsocket { host: "127.0.0.1", port: ${port}, no_tls: true }\n`
    writeFileSync(join(folder, 'nats.conf'), text)
    return ['nats-server', '-c', join(folder, 'nats.conf')]
  },
  mosquitto(port, folder, spare) {
    // It starts no WebSocket listener when it is the only one.
    const text = `listener ${spare} 127.0.0.1\nlistener ${port} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n`
    writeFileSync(join(folder, 'mosquitto.conf'), text)
    return ['mosquitto', '-c', join(folder, 'mosquitto.conf')]
  },
}

export const PEERS = Object.keys(COMMANDS)

/** Starts a server and waits until it takes connections. */
export async function startServer(name) {
  const folder = mkdtempSync(join(tmpdir(), 'signalpost-bench-'))
  const [port, spare] = [await findFreePort(), await findFreePort()]
  const [program, ...args] = COMMANDS[name](port, folder, spare)
  const server = await startProcess(program, args, port)
  return {
    ...server,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a Redis that keeps nothing. */
export async function startRedis() {
  const port = await findFreePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return startProcess('redis-server', args, port)
}

/** Starts a program and waits until it takes connections at a port. */
export async function startProcess(program, args, port) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (bytes) => (complaint = (complaint + bytes).slice(-2000)))
  child.on('error', (error) => (complaint += error.message))
  killAtExit.add(child)
  const exit = once(child, 'exit').catch(() => undefined)
  const end = Date.now() + 30_000
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > end) {
      throw new Error(`${program} does not start: ${complaint}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    port,
    pid: child.pid,
    async stop(signal = 'SIGKILL') {
      child.kill(signal)
      await exit
      killAtExit.delete(child)
    },
  }
}

const killAtExit = new Set()
process.on('exit', () => {
  for (const child of killAtExit) child.kill('SIGKILL')
})

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
