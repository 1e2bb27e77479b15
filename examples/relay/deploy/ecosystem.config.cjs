/**
 * The relay under PM2. DEPLOY.md describes the use.
 *
 * Settings are lines NAME=value in the file relay.env beside this one; `signalpost relay --help` lists them.
 */
const { existsSync, readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { parseEnv } = require('node:util')

const file = join(__dirname, 'relay.env')
const settings = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
const forNode = Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith('SIGNALPOST_')))
const firstPort = Number(settings.SIGNALPOST_PORT ?? 8081)
// Two relays know of each other's signals through Redis only.
const count = settings.SIGNALPOST_REDIS ? 2 : 1

module.exports = {
  apps: Array.from({ length: count }, (_, index) => ({
    name: `signalpost-relay-${firstPort + index}`,
    script: join(dirname(require.resolve('signalpost/package.json')), 'dist/relay/main.js'),
    args: 'relay',
    cwd: __dirname,
    // In cluster mode, PM2 would share one port among relays that do not count together. SIGNALPOST_WORKERS does.
    exec_mode: 'fork',
    // The relay reads the file itself, again on SIGHUP: PM2 would keep old settings, and write secrets into its dump.
    env: {
      NODE_ENV: 'production',
      ...forNode,
      ...(existsSync(file) && { SIGNALPOST_ENV_FILE: file }),
      SIGNALPOST_PORT: String(firstPort + index),
    },
    // On SIGTERM the relay says goodbye to its clients within 10 seconds; PM2 would kill it after 1.6.
    kill_timeout: 12_000,
    exp_backoff_restart_delay: 200,
    max_memory_restart: '1G',
    merge_logs: true,
  })),
}
