// Breaks the code on purpose, one defect at a time, in a copy of the project, and checks that tests notice: counters
// that never count prove nothing. Run by `npm run test:mutants`; ends with 1 if a mutant survives.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['src', 'examples', 'test', 'package.json', 'tsconfig.json']

export const MUTANTS = [
  {
    name: 'the relay logs a known id again',
    edits: [
      [
        'examples/relay/signal-log/memory/known-ids.ts',
        "if (times.has(id)) return digests.get(id) === digest ? 'known' : 'conflict'\n",
        '\n',
      ],
    ],
  },
  {
    name: 'a client that returns does not say where it was',
    edits: [['src/delivery/inbox.ts', 'since: position ?? {', 'since: {']],
  },
  {
    name: 'the client tells nobody of a gap',
    edits: [['src/delivery/inbox.ts', 'onGap({ room: room.name, reason: frame.reason })\n', '\n']],
  },
  {
    name: 'the receiver forgets ids',
    edits: [['src/delivery/seen-ids.ts', 'if (seen.has(id) || seenBefore.has(id)) return false\n', '\n']],
  },
  {
    name: 'the client sends again in another order',
    edits: [
      [
        'src/delivery/outbox.ts',
        'for (const entry of waiting.values()) {',
        'for (const entry of [...waiting.values()].reverse()) {',
      ],
    ],
  },
  {
    name: 'a tab takes texts of a hub that was replaced',
    edits: [['src/tabs/group.ts', 'if (!target || target.hub !== hub) return\n', 'if (!target) return\n']],
  },
  {
    name: 'a hub sends what was meant for the one before',
    edits: [['src/tabs/hub.ts', 'message.hub === id ?', 'message.hub ?']],
  },
  {
    name: 'a tab that was held up takes the hub for silent',
    edits: [['src/tabs/hub-watch.ts', 'if (now - startedAt > 2 * PROBE_INTERVAL) heardAt = now\n', '\n']],
  },
  {
    name: 'the hub keeps the connections of pages that are gone',
    edits: [['src/tabs/hub.ts', 'if (!pages.has(page)) watchPage(page, () => forget(page))\n', '\n']],
  },
  {
    name: 'a tab waits although its browser is connected',
    edits: [['src/tabs/group.ts', "if (transport?.status.state === 'waiting') transport.connect()\n", '\n']],
  },
  {
    name: 'no tab notices that the worker is gone',
    edits: [
      [
        'src/tabs/worker-carrier.ts',
        "navigator.locks.request(`${name} ${hub}`, { signal, mode: 'shared' }, onGone).catch(() => undefined)\n",
        'void onGone\n',
      ],
    ],
  },
  {
    name: 'tabs of different users share a fetch',
    edits: [['src/tabs/fetch/shared-fetch.ts', ", user ?? readMeta('user')]", ']']],
  },
  {
    name: 'a tab takes a response that is older than its last signal',
    edits: [['src/tabs/fetch/asker.ts', 'isOutdated = startedAt <= needs.changedAt\n', '\n']],
  },
  {
    name: 'tabs trust rounded clocks',
    edits: [['src/tabs/fetch/holder.ts', 'const CLOCK_ERROR = 50\n', 'const CLOCK_ERROR = 0\n']],
  },
  {
    name: 'the request of a tab is as old as its question',
    edits: [['src/tabs/fetch/share-response.ts', 'needs.startedAt = startedAt\n', '\n']],
  },
  {
    name: 'tabs keep the response of a failed request',
    edits: [['src/tabs/fetch/holder.ts', '!isGood(arrived) || ', '']],
  },
  {
    name: 'tabs wait for a tab that hangs',
    edits: [['src/tabs/fetch/share-response.ts', 'queueUp({ steal: true })\n', '\n']],
  },
  {
    name: 'a frozen page keeps the lock of a fetch',
    edits: [['src/tabs/fetch/share-response.ts', "['pagehide', 'freeze']", '[]']],
  },
]

const SUITES = [
  {
    name: 'unit and relay',
    args: ['--project', 'unit', '--project', 'unit-node', '--project', 'relay'],
    // Of the relay, what is about delivery: the rest looks at files that no copy has.
    files: [
      'test/client',
      'test/delivery',
      'test/relay/memory-log',
      'test/relay/protocol',
      'test/relay/sending',
      'test/relay/since',
      'test/tabs',
    ],
  },
  {
    name: 'properties',
    args: ['--project', 'properties', '-t', 'nothing is lost'],
    files: ['test/properties/delivery'],
  },
]

if (process.argv[1] === fileURLToPath(import.meta.url)) await judgeAll()

async function judgeAll() {
  const copy = mkdtempSync(join(tmpdir(), 'signalpost-mutants-'))
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: isOurs })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))

  const table = []
  for (const { name, edits } of [{ name: 'none', edits: [] }, ...MUTANTS]) table.push(await judge(copy, name, edits))
  console.table(table)

  const survivors = table.filter((row, index) => SUITES.every((suite) => row[suite.name] === 'pass') === index > 0)
  if (survivors.length > 0) console.error(`Wrong: ${survivors.map((row) => row.mutant).join('; ')}`)
  process.exitCode = survivors.length > 0 ? 1 : 0
}

async function judge(copy, mutant, edits) {
  const originals = edits.map(([file]) => [file, readFileSync(join(copy, file), 'utf8')])
  for (const edit of edits) apply(copy, edit)
  const row = { mutant }
  for (const { name, args, files } of SUITES) row[name] = await run(copy, [...args, ...files])
  for (const [file, text] of originals.toReversed()) writeFileSync(join(copy, file), text)
  return row
}

function apply(copy, [file, from, to]) {
  const text = readFileSync(join(copy, file), 'utf8')
  const count = text.split(from).length - 1
  if (count !== 1) throw new Error(`${file} has this ${count} times, not once; adapt the mutant: ${from.trim()}`)
  writeFileSync(
    join(copy, file),
    text.replace(from, () => to),
  )
}

/** Gives `pass`, or what failed: the counter of the properties, where it is one. */
function run(copy, args) {
  const command = [
    join('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--config',
    'test/vitest.config.ts',
    '--bail',
    '1',
  ]
  const env = { ...process.env, PROPERTY_RUNS: process.env.PROPERTY_RUNS ?? '500', PROPERTY_SEED: '1', NO_COLOR: '1' }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...command, ...args], { cwd: copy, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes))
    child.on('close', (code) =>
      resolve(code === 0 ? 'pass' : `FAIL ${/ (LOST|DUP|ORDER|FIFO|PHANTOM|GAPS):/.exec(text)?.[1] ?? ''}`.trim()),
    )
  })
}

function isOurs(path) {
  return !path.includes('node_modules')
}
