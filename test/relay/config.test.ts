import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCommand } from '../../examples/relay/options/command-line.js'
import { configSchema, readConfig } from '../../examples/relay/options/config-file.js'
import { OPTION_NAMES, resolveSettings } from '../../examples/relay/options/options.js'
import { createRelay } from '../../examples/relay/relay.js'

const WHOLE = {
  $schema: './config.schema.json',
  host: '0.0.0.0',
  port: 80,
  path: '/live',
  origin: ['https://a.example', 'capacitor://localhost'],
  open: true,
  authSecret: ['with,comma-and-more-than-32-characters'],
  authIssuer: 'https://id.example',
  authAudience: 'relay',
  publishKey: ['shop:s3,cret', { name: 'news', secret: 'a,b:c', rooms: ['team:*'], send: ['Saved'] }],
  revokeKey: ['twelve-letters'],
  dashboardKey: 'twelve-letters',
  history: 5,
  rate: 0,
  trustProxy: 2,
  workers: 1,
  logLevel: 'warn',
}

describe('a config file', () => {
  it('gives every option in the form of its type', () => {
    const { $schema: _, ...settings } = WHOLE
    expect(readConfig(JSON.stringify(WHOLE), 'relay.json')).toEqual({
      ...settings,
      publishKey: [{ name: 'shop', secret: 's3,cret' }, WHOLE.publishKey[1]],
    })
  })

  it('loses against the environment, and that against the command line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'relay-config-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'relay.json')
    await writeFile(file, JSON.stringify({ port: 1, path: '/file', rate: 7 }))
    const environment = { SIGNALPOST_CONFIG: file, SIGNALPOST_PORT: '2', SIGNALPOST_PATH: '/environment' }
    const command = readCommand(['relay', '--port', '3'], environment, '')
    expect(command).toMatchObject({ run: 'relay', settings: { port: 3, path: '/environment', rate: 7, history: 1000 } })
  })

  it.each([
    ['{', 'relay.json is not JSON'],
    ['{"port": 1,\n\n"x" 5}', 'relay.json is not JSON: look at line 3'],
    ['[]', 'relay.json must hold a JSON object'],
    ['{"prot": 1}', 'relay.json has the unknown option "prot".'],
    ['{"max-bytes": 1}', 'relay.json has the unknown option "max-bytes". Write "maxBytes".'],
    ['{"config": "other.json"}', 'relay.json has the unknown option "config"'],
    ['{"port": "80"}', 'relay.json: port must be a whole number from 0 to 65535'],
    ['{"port": 1.5}', 'relay.json: port must be a whole number from 0 to 65535, not "1.5"'],
    ['{"open": 1}', 'relay.json: open must be true or false'],
    ['{"origin": "https://a.example"}', 'relay.json: origin must be a list'],
    ['{"origin": ["a.example"]}', 'relay.json: origin must be like https://example.com'],
    ['{"path": "/dashboard/x"}', 'relay.json: path must be a path like /signals'],
    ['{"publishKey": [{"name": "a"}]}', 'relay.json: publishKey must be a secret'],
    ['{"publishKey": [{"name": "a", "secret": "b", "room": []}]}', 'but has "room"'],
    ['{"publishKey": [{"name": "a", "secret": "b", "rooms": ["*x"]}]}', 'must have "rooms" as a list of names'],
    ['{"trustProxy": 11}', 'relay.json: trustProxy must be a number of proxies up to 10'],
  ])('that is wrong is told in one line: %s', (text, advice) => {
    const command = readCommand(['relay', '--config', 'relay.json'], {}, '', () => text)
    expect(command).toEqual({ run: 'fail', text: expect.stringMatching(/^signalpost: [^\n]+\.$/) })
    expect(command).toMatchObject({ text: expect.stringContaining(advice) })
  })

  it('that cannot be read is told in one line', () => {
    const command = readCommand(['relay', '--config', '/nowhere/relay.json'], {}, '')
    expect(command).toEqual({
      run: 'fail',
      text: 'signalpost: the config file /nowhere/relay.json cannot be read (ENOENT). Name another with --config.',
    })
  })

  it.each([
    '{"authSecret": ["hunter2"]}',
    '{"revokeKey": ["hunter2"]}',
    '{"dashboardKey": "hunter2"}',
    '{"publishKey": ["1:hunter2"]}',
    '{"publishKey": ["a:hunter2 hunter2"]}',
    '{"dashboardKey": "hunter2',
    'hunter2',
  ])('never finds its secrets in the error: %s', (text) => {
    const command = readCommand(['relay', '--config', 'relay.json'], {}, '', () => text)
    expect(command.run).toBe('fail')
    expect(JSON.stringify(command)).not.toContain('hunter2')
  })
})

describe('secrets on the command line and in the environment', () => {
  it('may hold commas, and are told apart by repeating or by spaces', () => {
    const given = readCommand(['relay', '--publish-key', 'a:x,y', '--publish-key', 'b:z'], {}, '')
    const inherited = readCommand(['relay'], { SIGNALPOST_PUBLISH_KEY: ' a:x,y  b:z ' }, '')
    const publishKey = [
      { name: 'a', secret: 'x,y' },
      { name: 'b', secret: 'z' },
    ]
    expect(given).toMatchObject({ settings: { publishKey } })
    expect(inherited).toMatchObject({ settings: { publishKey } })
  })

  it('are not taken for one when a comma stands between two', () => {
    const command = readCommand(['relay', '--publish-key', 'a:x,b:y'], {}, '')
    expect(command).toMatchObject({ run: 'fail', text: expect.stringContaining('Repeat the option, or use a space') })
  })
})

describe('--origin', () => {
  const ALONE = 'must name a site, because a star alone allows every page'
  const SCHEME = 'must begin with https:// or http://'
  const ENDING = 'must have a domain after the star, because this allows every site with that ending'
  const PLACE = 'may have one star, in place of the first label'

  it.each([
    ['*', ALONE],
    ['https://*', ALONE],
    ['https://*:8443', ALONE],
    ['*://*', ALONE],
    ['https://*example', ALONE],
    ['*.example.com', SCHEME],
    ['*://example.com', SCHEME],
    ['https://*.com', ENDING],
    ['https://*.com:8443', ENDING],
    ['https://*.com/', ENDING],
    ['https://a.*.example.com', PLACE],
    ['https://*.*.example.com', PLACE],
    ['https://shop-*.example.com', PLACE],
    ['https://*shop.example.com', PLACE],
    ['https://example.*', PLACE],
    ['https://*.1.2.3', PLACE],
    ['app://*.example.com', PLACE],
    ['https://*.example.com/', 'must be like https://*.example.com, without a path'],
    ['https://*.Example.com:443', 'must be like https://*.example.com, without a path'],
  ])('refuses %s in words of its own', (origin, text) => {
    const command = readCommand(['relay', '--origin', origin], {}, '')
    expect(command).toMatchObject({ run: 'fail', text: expect.stringContaining(`--origin ${text}`) })
    expect(command).toMatchObject({ text: expect.stringContaining(`not "${origin}"`) })
  })

  it.each(['https://*.example.com', 'https://*.example.co.uk:8443', 'http://*.localhost:3000'])(
    'takes %s',
    (origin) => {
      expect(readCommand(['relay', '--origin', origin], {}, '')).toMatchObject({ settings: { origin: [origin] } })
    },
  )
})

describe('--trust-proxy', () => {
  it.each([
    [['--trust-proxy'], 1],
    [['--trust-proxy=2'], 2],
    [['--trust-proxy=0'], 0],
    [[], 0],
    [['--trust-proxy=loopback'], ['loopback']],
    [['--trust-proxy=loopback, 10.0.0.0/8,cloudflare'], ['loopback', '10.0.0.0/8', 'cloudflare']],
    [
      ['--trust-proxy=loopback', '--trust-proxy=2001:db8::/32'],
      ['loopback', '2001:db8::/32'],
    ],
    [['--trust-proxy=192.0.2.1'], ['192.0.2.1']],
  ])('%j is %j', (args, trustProxy) => {
    expect(readCommand(['relay', ...args], {}, '')).toMatchObject({ settings: { trustProxy } })
  })

  it('takes networks from the environment and from a config file', () => {
    const trustProxy = ['loopback', 'cloudflare']
    const inherited = readCommand(['relay'], { SIGNALPOST_TRUST_PROXY: 'loopback cloudflare' }, '')
    const list = readCommand(['relay', '--config', 'a'], {}, '', () => JSON.stringify({ trustProxy }))
    const text = readCommand(['relay', '--config', 'a'], {}, '', () => '{"trustProxy": "loopback"}')
    expect(text).toMatchObject({ settings: { trustProxy: ['loopback'] } })
    for (const command of [inherited, list]) expect(command).toMatchObject({ settings: { trustProxy } })
  })

  it.each(['10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0', 'toString', 'loopback,2', '::/129'])(
    'refuses %s',
    (value) => {
      const command = readCommand(['relay', `--trust-proxy=${value}`], {}, '')
      expect(command).toMatchObject({ run: 'fail', text: expect.stringContaining('or networks such as loopback') })
    },
  )

  it('tells how to write a value that stands apart', () => {
    const command = readCommand(['relay', '--trust-proxy', 'loopback'], {}, '')
    expect(command).toMatchObject({ run: 'fail', text: expect.stringContaining('Write --trust-proxy=loopback.') })
  })
})

describe('an embedding program', () => {
  it.each<[object, string]>([
    [{ rate: -5 }, 'rate must be a whole number of at least 0, not "-5".'],
    [{ port: 1.5 }, 'port must be a whole number from 0 to 65535, not "1.5".'],
    [{ dashboardKey: 'short' }, 'dashboardKey must have at least 12 characters'],
    [{ revokeKey: ['short'] }, 'revokeKey must have at least 12 characters'],
    [{ authSecret: ['short'] }, 'authSecret must have at least 32 characters'],
    [{ origin: 'https://a.example' }, 'origin must be a list.'],
    [{ origin: ['a.example'] }, 'origin must be like https://example.com'],
    [{ publishKey: [{ name: 'shop' }] }, 'publishKey must be a secret'],
    [{ trustProxy: 11 }, 'trustProxy must be a number of proxies up to 10, or networks'],
    [{ trustProxy: ['loopback', 'cloudfare'] }, 'not "cloudfare".'],
    [{ trustProxy: [1] }, 'not 1.'],
    [{ trustProxy: [] }, 'not [].'],
    [{ open: 1 }, 'open must be true or false.'],
    [{ path: '/health' }, 'path must be a path like /signals'],
    [{ durability: 'tape' }, 'durability must be one of memory, replica, disk'],
  ])('that gives %j is told what is wrong', (options, text) => {
    expect(() => createRelay(options)).toThrow(text)
  })

  it('may leave a setting undefined, and write it as in a config file', () => {
    const settings = resolveSettings({ rate: undefined, trustProxy: true, publishKey: ['shop:s3cret'] } as never)
    expect(settings).toMatchObject({ rate: 50, trustProxy: 1, publishKey: [{ name: 'shop', secret: 's3cret' }] })
  })
})

describe('the environment file', () => {
  const files: Readonly<Record<string, string>> = {
    'relay.env': '# The port\n\n SIGNALPOST_PORT = 1 \nexport SIGNALPOST_RATE=2\nSIGNALPOST_HISTORY="3"\nPATH=/bin\n',
    'relay.json': '{"history": 30, "maxRooms": 40}',
    'secrets.env': "SIGNALPOST_PUBLISH_KEY='a:with#hash b:two'\r\nSIGNALPOST_DASHBOARD_KEY=key#with-a-hash\n",
    'wrong.env': 'SIGNALPOST_PROT=1\n',
  }
  const readFile = (path: string): string => {
    if (files[path] === undefined) throw Object.assign(new Error(), { code: 'ENOENT' })
    return files[path]
  }

  it('comes after the command line and the environment, and before the config file', () => {
    const environment = { SIGNALPOST_RATE: '20', SIGNALPOST_CONFIG: 'relay.json' }
    const args = ['relay', '--env-file', 'relay.env']
    expect(readCommand(args, environment, '', readFile)).toMatchObject({
      settings: { port: 1, rate: 20, history: 3, maxRooms: 40 },
    })
    expect(readCommand([...args, '--rate', '7'], environment, '', readFile)).toMatchObject({ settings: { rate: 7 } })
  })

  it('keeps the # of a secret, and removes quotes', () => {
    expect(readCommand(['relay'], { SIGNALPOST_ENV_FILE: 'secrets.env' }, '', readFile)).toMatchObject({
      settings: {
        publishKey: [
          { name: 'a', secret: 'with#hash' },
          { name: 'b', secret: 'two' },
        ],
        dashboardKey: 'key#with-a-hash',
      },
    })
  })

  it('is read again, except for the variables that the environment sets otherwise', () => {
    const changing: Record<string, string> = { 'relay.env': 'SIGNALPOST_RATE=2\nSIGNALPOST_HISTORY=3\n' }
    const environment = { SIGNALPOST_RATE: '2', SIGNALPOST_HISTORY: '30', SIGNALPOST_ENV_FILE: 'relay.env' }
    const command = readCommand(['relay'], environment, '', (path) => changing[path] ?? '')
    changing['relay.env'] = 'SIGNALPOST_HISTORY=4\nSIGNALPOST_MAX_ROOMS=5\n'
    expect(command.run === 'relay' && command.reread()).toMatchObject({ rate: 50, history: 30, maxRooms: 5 })
  })

  it.each([
    ['missing.env', 'the environment file missing.env cannot be read (ENOENT). Name another with --env-file.'],
    ['wrong.env', 'the environment variable SIGNALPOST_PROT is not an option.'],
  ])('that is wrong is told in one line: %s', (file, text) => {
    const command = readCommand(['relay', '--env-file', file], {}, '', readFile)
    expect(command).toEqual({ run: 'fail', text: expect.stringContaining(text) })
  })
})

describe('the number of workers', () => {
  it.each([
    ['1', 1],
    ['3', 3],
    ['auto', availableParallelism()],
  ])('%j is %i on the command line, in the environment and in a config file', (text, workers) => {
    const redis = 'redis://127.0.0.1:6379'
    const value = text === 'auto' ? text : Number(text)
    const direct = readCommand(['relay', '--redis', redis, '--workers', text], {}, '')
    const inherited = readCommand(['relay', '--redis', redis], { SIGNALPOST_WORKERS: text }, '')
    const inFile = readCommand(['relay', '--config', 'a'], {}, '', () => JSON.stringify({ redis, workers: value }))
    for (const command of [direct, inherited, inFile]) expect(command).toMatchObject({ settings: { workers } })
  })

  it('is 1 by default, and needs a Redis beyond', () => {
    expect(readCommand(['relay'], {}, '')).toMatchObject({ settings: { workers: 1 } })
    expect(readCommand(['relay', '--workers', '2'], {}, '')).toMatchObject({
      run: 'fail',
      text: expect.stringMatching(/--workers 2 needs --redis: .*or leave out --workers\.$/),
    })
  })

  it.each(['0', '257', '1.5', 'all', ''])('is not %j', (text) => {
    expect(readCommand(['relay', '--workers', text], {}, '')).toMatchObject({
      run: 'fail',
      text: expect.stringContaining('--workers must be auto, or a whole number from 1 to 256'),
    })
  })
})

describe('the schema of config files', () => {
  const validate = new Ajv({ strict: true, allErrors: true }).compile(configSchema())
  const isRead = (value: unknown): boolean =>
    readCommand(['relay', '--config', 'relay.json'], {}, '', () => JSON.stringify(value)).run === 'relay'

  it('knows every option but --config and --env-file', () => {
    const { properties } = configSchema() as { properties: object }
    const options = OPTION_NAMES.filter((name) => name !== 'config' && name !== 'envFile')
    expect(Object.keys(properties)).toEqual(['$schema', ...options])
  })

  it.each([
    WHOLE,
    {},
    [],
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { host: 'a b' },
    { path: '/health' },
    { path: '/healthy' },
    { path: '/publish/x' },
    { path: 'signals' },
    { origin: 'https://a.example' },
    { origin: ['https://*.example'] },
    { origin: ['https://*.example.com'] },
    { origin: ['https://*.example.com:8443'] },
    { origin: ['http://*.localhost:3000'] },
    { origin: ['https://*.1.2.3'] },
    { origin: ['https://a.*.example.com'] },
    { origin: ['app://*.example.com'] },
    { origin: ['https://a.example/'] },
    { origin: ['file://', 'null'] },
    { origin: ['https://'] },
    { origin: ['ftp://x'] },
    { origin: ['ftp-app://localhost'] },
    { open: 'yes' },
    { authSecret: ['x'.repeat(31)] },
    { authSecret: ['x'.repeat(32)] },
    { authSecret: ['x '.repeat(32)] },
    { authJwks: 'ftp://a.example' },
    { authJwks: 'https://a.example/jwks.json' },
    { publishKey: ['secret'] },
    { publishKey: ['name:'] },
    { publishKey: ['1:secret'] },
    { publishKey: [':secret'] },
    { publishKey: [{ name: 'a', secret: 'b' }] },
    { publishKey: [{ name: 'a', secret: 'b', more: 1 }] },
    { publishKey: [{ name: 'a b', secret: 'b' }] },
    { publishKey: [{ name: 'a', secret: 'b', rooms: ['*'], send: ['a*'] }] },
    { publishKey: [{ name: 'a', secret: 'b', rooms: ['a*b'] }] },
    { publishKey: [5] },
    { publishKey: [null] },
    { revokeKey: ['x'.repeat(11)] },
    { revokeKey: ['x'.repeat(12)] },
    { dashboardKey: 'x'.repeat(11) },
    { dashboardKey: 'x'.repeat(12) },
    { window: 999 },
    { maxBytes: 1023 },
    { workers: 'auto', redis: 'redis://127.0.0.1' },
    { workers: 'many', redis: 'redis://127.0.0.1' },
    { workers: 0 },
    { trustProxy: true },
    { trustProxy: 10 },
    { trustProxy: 11 },
    { trustProxy: -1 },
    { trustProxy: 1.5 },
    { trustProxy: ['loopback', '10.0.0.0/8'] },
    { trustProxy: [] },
    { logLevel: 'loud' },
    { unknown: 1 },
  ])('accepts what the relay accepts, and nothing else: %j', (value) => {
    expect(validate(value)).toBe(isRead(value))
  })
})
