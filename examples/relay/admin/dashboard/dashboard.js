import { drawChart } from './chart.js'
import { bytes, count, duration, perSecond, time } from './format.js'

/** Asks the relay every second how it is, and shows it. Everything that it says is shown as text. */

const INTERVAL = 1000
const PATIENCE = 5000

const byId = (id) => document.getElementById(id)

async function ask() {
  const state = byId('show-data').checked ? 'state?data' : 'state'
  // Beside this script: a proxy may serve the relay below a prefix.
  const response = await fetch(new URL(state, import.meta.url), { signal: AbortSignal.timeout(PATIENCE) })
  // The cookie has ended: the same address shows the form now.
  if (response.status === 401) return location.reload()
  if (!response.ok) throw new Error(`The relay answered ${response.status}.`)
  show(await response.json())
}

function show({ instance, total, others, counts, perSecond: series, rooms, signals, refusals }) {
  showState(stateOf(total))
  setText(byId('instance'), instance.name)
  showFigures(total, counts, series)
  showChart('in', series.in)
  showChart('out', series.out)
  showRows('signals', signals, 'No signal yet.', signalRow)
  showRows('rooms', rooms, 'Nobody is in a room.', (room) => roomRow(room, rooms[0].members))
  showRows('refusals', refusals, 'Nothing was refused.', refusalRow)
  showReasons(counts.refusals)
  byId('instances').replaceChildren(...[instance, ...others].map(instanceRow))
}

/** The state of an instance, or of all workers of one. */
function stateOf({ isDraining, log }) {
  if (isDraining) return 'draining'
  return log === 'away' ? 'log away' : 'ready'
}

function showState(state) {
  const element = byId('state')
  element.dataset.state = state.replace(' ', '-')
  setText(element, state)
}

function showFigures(total, counts, series) {
  const figures = {
    connections: count(total.connections),
    sockets: count(total.sockets),
    rooms: count(total.rooms),
    in: perSecond(series.in.at(-1) ?? 0),
    out: perSecond(series.out.at(-1) ?? 0),
    refusals: count(sum(Object.values(counts.refusals))),
    gaps: count(sum(Object.values(counts.gaps))),
    slow: count(counts.closes[4508] ?? 0),
    memory: bytes(total.memory),
    uptime: duration(total.uptime),
  }
  for (const [name, text] of Object.entries(figures)) setText(document.querySelector(`[data-figure=${name}] dd`), text)
}

function showChart(name, values) {
  const peak = Math.max(0, ...values)
  setText(byId(`${name}-peak`), `peak ${count(peak)}`)
  drawChart(byId(`${name}-chart`), values)
}

/** Rows that are there already stay where they are, so that what somebody reads or selects does not vanish. */
function showRows(id, items, nothing, makeRow) {
  const list = byId(id)
  const key = JSON.stringify(items)
  if (list.dataset.shown === key) return
  list.dataset.shown = key
  list.replaceChildren(...(items.length > 0 ? items.map(makeRow) : [element('li', 'nothing', nothing)]))
}

function signalRow({ at, signal, room, sender, data }) {
  const row = element('li', 'signal')
  row.append(element('time', 'when', time(at)), element('b', 'name', signal), element('span', 'room', room))
  row.append(element('span', 'from', senderText(sender)))
  if (data !== undefined) row.append(element('code', 'data', data))
  return row
}

function senderText({ server, user, tab } = {}) {
  if (server) return `backend ${server}`
  return user ? `user ${user}` : `page ${tab ?? ''}`
}

function roomRow({ name, members }, most) {
  const row = element('li', 'room-row')
  const bar = element('meter', 'bar')
  bar.max = most
  bar.value = members
  bar.setAttribute('aria-hidden', 'true')
  row.append(element('span', 'name', name), bar, element('span', 'number', count(members)))
  return row
}

function refusalRow({ at, reason, text }) {
  const row = element('li', 'refusal')
  row.append(element('time', 'when', time(at)), element('b', 'reason', reason), element('span', 'text', text))
  return row
}

function showReasons(reasons) {
  const chips = Object.entries(reasons)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, times]) => element('li', 'chip', `${reason} ${count(times)}`))
  byId('reasons').replaceChildren(...chips)
}

function instanceRow({ name, isDraining, log, connections, rate, memory, uptime }) {
  const row = element('tr', '')
  const state = stateOf({ isDraining, log })
  const head = element('th', '', name)
  head.scope = 'row'
  row.append(head, element('td', `is-${state.replace(' ', '-')}`, state))
  const figures = {
    Connections: count(connections),
    'In/s': perSecond(rate.in),
    'Out/s': perSecond(rate.out),
    Memory: bytes(memory),
    'Up for': duration(uptime),
  }
  for (const [label, text] of Object.entries(figures)) {
    const cell = element('td', 'number', text)
    // On a phone, where the heads of the columns have no place.
    cell.dataset.label = label
    row.append(cell)
  }
  return row
}

function element(tag, className, text = '') {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function setText(target, text) {
  if (target.textContent !== text) target.textContent = text
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

async function tick() {
  try {
    if (!document.hidden) await ask()
  } catch {
    showState('unreachable')
  }
  setTimeout(tick, INTERVAL)
}

byId('show-data').addEventListener('change', () => void ask().catch(() => showState('unreachable')))
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void ask().catch(() => showState('unreachable'))
})
void tick()
