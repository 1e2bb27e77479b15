import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort } from '../support/free-port.mjs'
import { makeFolder, readKit } from './fixtures.js'
import { findProgram } from './programs.js'
import { startProxy } from './proxy.js'

export const APACHE = findProgram('apache2')
const MODULES = '/usr/lib/apache2/modules'
const NEEDED = ['mpm_event', 'authz_core', 'authz_host', 'dir', 'rewrite', 'headers', 'proxy', 'proxy_http']

export interface Apache {
  readonly port: number
  readonly errors: string
}

/** Runs an Apache of its own, with the configuration of the kit in its server. */
export async function startApache(
  relay: number,
  kit = readKit('apache.conf'),
  settings = '',
  modules: readonly string[] = [],
): Promise<Apache> {
  const folder = await makeFolder()
  await chmod(folder, 0o755)
  const port = await findFreePort()
  const [file, errors] = [join(folder, 'apache.conf'), join(folder, 'error.log')]
  const loaded = [...NEEDED, ...modules].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  await writeFile(join(folder, 'index.html'), 'the site')
  await writeFile(
    file,
    `${loaded.join('\n')}
ServerRoot ${folder}
ServerName example.com
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
ErrorLog ${errors}
DefaultRuntimeDir ${folder}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
DocumentRoot ${folder}
DirectoryIndex index.html
${settings}
${kit.replaceAll('127.0.0.1:8081', `127.0.0.1:${relay}`)}
`,
  )
  await startProxy(APACHE ?? '', ['-f', file, '-D', 'FOREGROUND'], port)
  return { port, errors }
}
