/** Turns results into what people read: tables, targets met or missed, and a chart. */

import { ON_REDIS, SLOWDOWNS } from './plan.mjs'

const [ONE, TWO] = ON_REDIS

/** The phases of the latency: the one between them lets the engines compile what is called often. */
const STARTED = 0
const WARM = 2

/** The targets: ratios of medians of one run, where there is another server or client to compare with. */
const TARGETS = [
  ...[
    ['ws', 1000, 16, 7],
    ['socket.io', 1000, 16, 7],
    ['nats', 1000, 16, 1.8],
    ['ws', 5000, 16, 12],
    ['socket.io', 5000, 16, 14],
    ['bun', 1000, 1, 0.9],
    ['bun', 1000, 16, 1],
    ['bun', 1000, 64, 1],
    ['bun', 5000, 16, 1.2],
    ['ws', 1000, 1, 1],
  ].map(([peer, receivers, window, least]) => ({
    text: `CPU of ${peer} / of signalpost, ${grouped(receivers)} receivers, ${window} in flight`,
    least,
    find: (results) => cpuRatio(results, peer, receivers, window),
  })),
  {
    text: 'CPU seconds per million deliveries, 1,000 receivers, 64 in flight',
    most: 0.45,
    find: (results) => cpuOf(results, 'signalpost', 1000, 64),
  },
  ...[
    [1000, 8000],
    [5000, 6000],
  ].map(([receivers, most]) => ({
    text: `bytes of memory per idle connection, ${grouped(receivers)} connections`,
    most,
    find: (results) => tableOf(results, receivers)?.results.signalpost?.bytesPerConnection,
  })),
  ...[1000, 5000].map((receivers) => ({
    text: `ms until ${grouped(receivers)} connections are there, of those of ws`,
    most: 1,
    find: (results) => connectRatio(tableOf(results, receivers)?.results),
  })),
  ...[
    ['just started', STARTED],
    ['after thousands of signals', WARM],
  ].map(([state, phase]) => ({
    text: `median latency over that of ws, ms, ${state}`,
    most: 0.03,
    find: ({ latency }) => latency && latency.signalpost.results[phase].p50 - latency.ws.results[phase].p50,
  })),
  {
    text: 'open loop at 50,000 deliveries/s: median latency, of that of socket.io',
    most: 1,
    find: (results) => {
      const { signalpost, 'socket.io': other } = openLoopOf(results, 50_000) ?? {}
      return other && signalpost.results[0].p50 / other.results[0].p50
    },
  },
  {
    text: 'open loop at 800,000 deliveries/s: signals per receiver missing a second later',
    most: 0,
    find: (results) => openLoopOf(results, 800_000)?.signalpost.results[0].backlog,
  },
  {
    text: 'signals accepted a second by one relay on Redis',
    least: 80_000,
    find: ({ publish }) => publish?.[ONE]?.perSecond,
  },
  {
    text: 'signals accepted a second by two relays on Redis, of those by one',
    least: 1.3,
    find: ({ publish }) => publish?.[TWO] && publish[TWO].perSecond / publish[ONE].perSecond,
  },
  ...[ONE, TWO].map((kind) => ({
    text: `CPU seconds per million accepted, ${kind}`,
    most: 15,
    find: ({ publish }) => publish?.[kind]?.cpuPerMillion,
  })),
  {
    text: 'reconnect: milliseconds until all clients of a relay that was away are back',
    most: 3000,
    find: ({ reconnect }) => reconnect?.all,
  },
  {
    text: 'reconnect: largest share of them within a tenth of a second',
    most: 0.15,
    find: ({ reconnect }) => reconnect?.largestShare,
  },
  {
    text: 'two workers: deliveries that a core each can make, over those of one worker, 5,000 receivers, 1 in flight',
    least: 1.7,
    find: ({ workers }) => (workers?.receivers === 5000 ? growthOf(workers, 2, 1) : undefined),
  },
  {
    text: 'frames into a handler in Chromium, of those with reconnecting-websocket + JSON.parse + mitt',
    least: 0.9,
    find: ({ client }) => client && client.dispatch.signalpost / client.dispatch.baseline,
  },
  {
    text: 'ms to run the script tag at a CPU slowed four times, of those of htmx',
    most: 1.5,
    find: ({ tag }) => tag?.htmx && tag.signalpost[1].took / tag.htmx[1].took,
  },
  ...SLOWDOWNS.map((rate, index) => ({
    text: `ms from navigation to online on a page that is being parsed, CPU / ${rate}, of those of socket.io`,
    most: 1,
    find: ({ tag }) => tag?.['socket.io'] && tag.signalpost[index].online / tag['socket.io'][index].online,
  })),
  {
    text: 'ms from creating a client to online in Node, of those of socket.io',
    most: 1.1,
    find: ({ client }) =>
      client?.connect['socket.io'] && client.connect.signalpost.total / client.connect['socket.io'].total,
  },
  {
    text: 'sharing, ten tabs: connections, of those without',
    most: 0.1,
    find: ({ sharing }) =>
      sharing?.tabs === 10 ? sharing.results.leader.sockets / sharing.results.own.sockets : undefined,
  },
  {
    text: 'sharing, ten tabs: memory of the relay, of that without',
    most: 1 / 6,
    find: ({ sharing }) =>
      sharing?.tabs === 10 ? sharing.held[10].bytesPerTab / sharing.held[1].bytesPerTab : undefined,
  },
  ...[0, 40].map((delay) => ({
    text: `sharing: ms from creating a client to online in a second tab, ${farFrom(delay)}, of those of a connection of its own`,
    most: 0.5,
    find: ({ sharing }) =>
      sharing?.delays.includes(delay)
        ? onlineOf(sharing, 'leader', delay) / onlineOf(sharing, 'own', delay)
        : undefined,
  })),
  {
    text: 'sharing: ms of a signal from a tab to the relay and back through another tab, median',
    most: 3,
    find: ({ sharing }) => sharing?.results.leader.signals.last[0].p50,
  },
  {
    text: 'sharing: gzipped bytes on top of the core',
    most: 3500,
    find: ({ sharing }) => sharing?.bytes,
  },
  {
    text: 'sharing: ms until 200 browsers of ten tabs are back at a relay that was asked to end and started at once',
    most: 3000,
    find: ({ sharing }) => sharing?.back?.restart.all,
  },
  {
    text: 'sharing: the same after it was killed',
    most: 3000,
    find: ({ sharing }) => sharing?.back?.kill.all,
  },
  {
    text: 'sharing: handshakes for that',
    most: 200,
    find: ({ sharing }) => sharing?.back?.kill.handshakes,
  },
]

function openLoopOf(results, wanted) {
  return results['open-loop']?.find(({ rate }) => rate === wanted)?.results
}

function connectRatio({ signalpost, ws } = {}) {
  return ws && signalpost.connectMs / ws.connectMs
}

function farFrom(delay) {
  return delay > 0 ? `${delay} ms away from the relay` : 'beside the relay'
}

function onlineOf({ delays, results }, kind, delay) {
  return results[kind].online[delays.indexOf(delay)]
}

/** How often the deliveries of one worker fit into those of several, if the busiest process is what bounds them. */
function growthOf({ windows, results }, workers, window) {
  const index = windows.indexOf(window)
  const busiest = (count) => Math.max(...results[count].results[index].cpuOfEach)
  return busiest(1) / busiest(workers)
}

export function renderReport(results, { machine, date, rounds, command }) {
  const parts = [
    `${date.toISOString().slice(0, 10)}, ${machine}, everything on 127.0.0.1; \`${command}\`, medians of ${rounds} alternating ${rounds === 1 ? 'round' : 'rounds'}.`,
    renderTargets(results),
    ...(results['fan-out'] ?? []).map(renderFanOut),
    results['open-loop'] && renderOpenLoop(results['open-loop']),
    results.latency && renderLatency(results.latency),
    results.reconnect && renderReconnect(results.reconnect),
    results.publish && renderPublish(results.publish),
    results.workers && renderWorkers(results.workers),
    results.client && renderClient(results.client),
    results.sharing && renderSharing(results.sharing),
    results.tag && renderTag(results.tag),
  ]
  return parts.filter(Boolean).join('\n\n')
}

function renderTargets(results) {
  const rows = TARGETS.flatMap(({ text, least, most, find }) => {
    const value = find(results)
    if (value === undefined) return []
    const isMet = least === undefined ? value <= most : value >= least
    return [
      [
        text,
        least === undefined ? `≤ ${short(most)}` : `≥ ${short(least)}`,
        short(value),
        isMet ? 'met' : '**missed**',
      ],
    ]
  })
  return rows.length > 0 && table(['target', '', 'measured', ''], rows)
}

function renderFanOut({ receivers, windows, results }) {
  const rows = byCpu(results, windows.indexOf(16)).map(([peer, { connectMs, bytesPerConnection, results: phases }]) =>
    [peer].concat(
      phases.map(({ cpuPerMillion }) => short(cpuPerMillion)),
      phases.map(({ perSecond }) => `${grouped(perSecond / 1000)}k`),
      [grouped(connectMs), grouped(bytesPerConnection)],
    ),
  )
  const head = [
    'server',
    ...windows.map((window) => `CPU s/M, ${window} in flight`),
    ...windows.map((window) => `deliveries/s, ${window}`),
    'ms to connect all',
    'bytes/connection',
  ]
  return `### Fan-out to ${grouped(receivers)} receivers\n\n${table(head, rows)}`
}

function renderOpenLoop(tables) {
  const rows = tables.flatMap(({ rate, results }) =>
    Object.entries(results).map(([peer, { results: phases }]) => {
      const [{ cores, p50, p99, backlog, offered }] = phases
      const missing = `${grouped(backlog)} of ${grouped(offered)}`
      return [grouped(rate), peer, cores.toFixed(2), short(p50), short(p99), missing]
    }),
  )
  const head = ['deliveries/s offered', 'server', 'cores', 'p50 ms', 'p99 ms', 'missing 1 s later']
  return `### Open loop: a fixed rate to ${grouped(tables[0].receivers)} receivers\n\n${table(head, rows)}`
}

function renderWorkers(measured) {
  const { receivers, windows, results } = measured
  const rows = Object.entries(results).map(([workers, { results: phases, shares }]) =>
    [workers].concat(
      phases.map(({ cpuPerMillion }) => short(cpuPerMillion)),
      phases.map(({ cpuOfEach }) => short(Math.max(...cpuOfEach))),
      windows.map((window) => short(growthOf(measured, workers, window))),
      [shares.map((share) => `${(100 * share).toFixed(1)} %`).join(', ')],
    ),
  )
  const head = [
    'workers',
    ...windows.map((window) => `CPU s/M of all processes, ${window} in flight`),
    ...windows.map((window) => `of the busiest, ${window}`),
    ...windows.map((window) => `growth, ${window}`),
    'connections of each',
  ]
  return `### Workers on one port, ${grouped(receivers)} receivers, on Redis\n\n${table(head, rows)}`
}

function renderLatency(results) {
  const rows = Object.entries(results)
    .map(([peer, { results: phases }]) => ({ peer, started: phases[STARTED], warm: phases[WARM] }))
    .toSorted((a, b) => a.warm.p50 - b.warm.p50)
    .map(({ peer, started, warm }) => {
      const times = [started.p50, started.p99, warm.p50, warm.p99].map((time) => time.toFixed(2))
      return [peer].concat(times)
    })
  const head = ['server', 'p50 ms, just started', 'p99 ms', 'p50 ms, after thousands of signals', 'p99 ms']
  return `### Latency from one connection to another\n\n${table(head, rows)}`
}

function renderReconnect({ clients, median, all, largestShare }) {
  const text = `The relay is killed and starts again 2 s later. Half of its ${grouped(clients)} clients are back after ${grouped(median)} ms, all after ${grouped(all)} ms; no tenth of a second sees more than ${(largestShare * 100).toFixed(0)} % of them.`
  return `### Reconnect\n\n${text}`
}

function renderPublish(results) {
  const rows = Object.entries(results).map(([kind, { perSecond, heardPerSecond, cpuPerMillion }]) => [
    kind,
    grouped(perSecond),
    grouped(heardPerSecond),
    short(cpuPerMillion),
  ])
  const head = ['', 'accepted/s', 'heard/s by a receiver on each', "relays' CPU s per million accepted"]
  return `### Signals taken in\n\n${table(head, rows)}`
}

/** What clients are that are no library of that name. */
const CLIENTS = {
  baseline: 'reconnecting-websocket + JSON.parse + mitt',
  EventSource: 'EventSource + JSON.parse',
  anycable: '@anycable/core',
  websocket: 'a bare socket, one question and its answer',
}

function renderClient({ dispatch, connect }) {
  const handling = Object.entries(dispatch).map(([kind, perSecond]) => [CLIENTS[kind] ?? kind, grouped(perSecond)])
  const connecting = Object.entries(connect).map(([kind, { total, afterOpen }]) => [
    CLIENTS[kind] ?? kind,
    total.toFixed(2),
    afterOpen?.toFixed(2) ?? '',
  ])
  const head = ['ms to online', 'from creating a client', 'from the opening of its socket']
  return `### The client\n\n${table(['frames per second into a handler, in Chromium', ''], handling)}\n\n${table(head, connecting)}`
}

/** The rows of tabs: which kind of sharing, and which of its tabs. */
const TABS = [
  ['a connection of its own', 'own', 'last'],
  ['the tab that has the connection', 'leader', 'first'],
  ['another tab', 'leader', 'last'],
  ['a tab beside a worker', 'worker', 'last'],
]

function renderSharing({ browsers, tabs, delays, results, count, held, bytes, back }) {
  const rows = TABS.map(([name, kind, place]) =>
    [name].concat(
      // A tab that is the first one has nothing to share yet.
      results[kind].online.map((time) => (place === 'first' ? '' : time.toFixed(1))),
      results[kind].signals[place].flatMap(({ p50, p99 }) => [p50.toFixed(1), p99.toFixed(1)]),
    ),
  )
  const head = [
    '',
    ...delays.map((delay) => `ms to online, ${farFrom(delay)}`),
    ...[2, tabs].flatMap((number) => [`p50 ms, ${number} tabs`, `p99 ms, ${number} tabs`]),
  ]
  const { own, leader, worker } = results
  const texts = [
    `${browsers * tabs} tabs of ${browsers} ${browsers === 1 ? 'browser' : 'browsers'} in Chromium have ${own.sockets} connections without sharing, ${leader.sockets} with a tab that has the connection, and ${worker.sockets} with a worker.`,
    `${grouped(count)} bare clients cost the relay ${grouped(held[1].bytesPerTab)} bytes each on ${grouped(held[1].sockets)} connections, and ${grouped(held[tabs].bytesPerTab)} bytes on ${grouped(held[tabs].sockets)}.`,
    `Sharing adds ${grouped(bytes)} gzipped bytes to the core.`,
    back &&
      `200 browsers of ten tabs are back ${grouped(back.restart.all)} ms after their relay, which was asked to end and started at once, and ${grouped(back.kill.all)} ms after one that was killed, with ${back.kill.handshakes} handshakes.`,
  ]
  return `### One connection for all tabs\n\n${table(head, rows)}\n\n${texts.filter(Boolean).join(' ')}`
}

function renderTag(results) {
  const rows = Object.entries(results).map(([kind, rates]) =>
    [kind].concat(
      rates.map(({ took }) => took.toFixed(1)),
      rates.map(({ online }) => (online > 0 ? online.toFixed(0) : '')),
    ),
  )
  const head = [
    'script tag in Chromium',
    ...SLOWDOWNS.map((rate) => `ms to run it, CPU / ${rate}`),
    ...SLOWDOWNS.map((rate) => `ms from navigation to online, CPU / ${rate}`),
  ]
  return `### The script tag\n\n${table(head, rows)}`
}

/** A bar for each server: CPU seconds per million deliveries, 1,000 receivers, 16 in flight. */
export function renderChart(tables) {
  const { windows, results } = tables.find(({ receivers }) => receivers === 1000)
  const bars = byCpu(results, windows.indexOf(16)).map(([peer, { results: phases }]) => ({
    peer,
    value: phases[windows.indexOf(16)].cpuPerMillion,
  }))
  const longest = Math.max(...bars.map(({ value }) => value))
  const [row, left, width] = [26, 96, 560]
  const height = 62 + bars.length * row
  const lines = bars.map(({ peer, value }, index) => {
    const y = 58 + index * row
    const length = Math.max(2, (value / longest) * (width - left - 60))
    const color = peer === 'signalpost' ? '#d9480f' : '#868e96'
    return `  <text x="${left - 8}" y="${y + 13}" text-anchor="end">${peer}</text>
  <rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" rx="2" fill="${color}"/>
  <text x="${(left + length + 6).toFixed(1)}" y="${y + 13}">${value.toFixed(2)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Server CPU seconds per million deliveries">
  <style>text { fill: #343a40 } @media (prefers-color-scheme: dark) { text { fill: #dee2e6 } }</style>
  <text x="8" y="20" font-weight="600">Server CPU seconds per million deliveries</text>
  <text x="8" y="38">1,000 receivers, 16 signals in flight; less is better</text>
${lines.join('\n')}
</svg>
`
}

function tableOf(results, receivers) {
  return results['fan-out']?.find((table) => table.receivers === receivers)
}

function cpuOf(results, peer, receivers, window) {
  const found = tableOf(results, receivers)
  return found?.results[peer]?.results[found.windows.indexOf(window)]?.cpuPerMillion
}

function cpuRatio(results, peer, receivers, window) {
  const [theirs, ours] = [peer, 'signalpost'].map((each) => cpuOf(results, each, receivers, window))
  return theirs === undefined || ours === undefined ? undefined : theirs / ours
}

function byCpu(results, index) {
  return Object.entries(results).toSorted(
    ([, a], [, b]) => a.results[index].cpuPerMillion - b.results[index].cpuPerMillion,
  )
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const rule = line(head.map((_, index) => (index === 0 ? '---' : '---:')))
  return [line(head), rule, ...rows.map(line)].join('\n')
}

function grouped(value) {
  return Math.round(value).toLocaleString('en')
}

/** Three digits that count. */
function short(value) {
  return Math.abs(value) >= 100 ? grouped(value) : String(Number(value.toPrecision(3)))
}
