/* The test page of signalpost. Everything that comes from outside is shown with textContent, never as HTML. */

const COMMON = [
  { name: 'ReportIncome', data: () => ({ userId: 123, action: 'refresh' }) },
  { name: 'RefreshDashboard', data: () => undefined },
  { name: 'UpdateNotifications', data: () => ({ unread: 1 + Math.floor(Math.random() * 9) }) },
  { name: 'SystemAlert', data: () => ({ level: 'info', text: 'Maintenance at 22:00' }) },
]
const DEFAULT_ROOM = 'main'
const LOG_LENGTH = 200
const TIMELINE_LENGTH = 60
const PROBLEMS_LENGTH = 20
const PLOT_LENGTH = 60
/** From a tenth of a millisecond to longer than any signal may wait. */
const POWERS = [0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
const STRIP_SECONDS = 120
const DATA_LENGTH = 2000

const STATES = {
  idle: 'Not connected',
  connecting: 'Connecting',
  online: 'Online',
  waiting: 'Waiting',
  suspended: 'Suspended',
  closed: 'Closed',
}
/** What a bare close code means, for the codes that come without a text. */
const CODES = {
  1000: 'the relay ended it',
  1001: 'the relay goes away',
  1005: 'the relay ended it',
  1006: 'no connection',
  4503: 'the relay restarts',
  4508: 'this page was too slow',
  4529: 'too many connections',
}

const SVG = 'http://www.w3.org/2000/svg'
const $ = (id) => document.getElementById(id)

/** Builds an element; `text` is always text. */
function element(tag, { text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  made.append(...children)
  return made
}

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  return made
}

/** Puts a new entry on top of a list and forgets the oldest ones. */
function putOnTop(list, entry, length) {
  list.prepend(entry)
  while (list.children.length > length) list.lastElementChild.remove()
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

function time(at, withMilliseconds = false) {
  const date = new Date(at)
  const text = clockFormat.format(date)
  const full = withMilliseconds ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text
  return element('time', { text: full, datetime: date.toISOString() })
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function latency(ms) {
  if (ms >= 1000) return duration(ms)
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

// --- The switch between this page and the network ---

/**
 * The client looks up `WebSocket` when it dials, so a subclass that is in place before the client exists lets the page
 * cut its own line, as a bad network would: the client hears 1006 at once and no goodbye reaches the relay. The
 * browser's own "offline" cannot be switched on by a page, and closing the client would be a different thing to show.
 */
function installSwitch() {
  const Native = window.WebSocket
  const open = new Set()
  let isOffline = false

  class SwitchedWebSocket extends Native {
    constructor(url, protocols) {
      if (isOffline) return deadSocket()
      super(url, protocols)
      open.add(this)
      this.addEventListener('close', () => open.delete(this))
    }
  }

  function cut() {
    for (const socket of open) {
      socket.dispatchEvent(new CloseEvent('close', { code: 1006 }))
      socket.close()
    }
  }

  window.WebSocket = SwitchedWebSocket
  return {
    cut,
    get isOffline() {
      return isOffline
    },
    set isOffline(value) {
      isOffline = value
      if (isOffline) cut()
    },
  }
}

/** A socket that fails like one without a network, but without the browser's line in the console. */
function deadSocket() {
  const socket = Object.assign(new EventTarget(), { readyState: 3, close() {}, send() {} })
  setTimeout(() => socket.dispatchEvent(new CloseEvent('close', { code: 1006 })))
  return socket
}

// --- Connection ---

const timeline = []

function explain(status) {
  switch (status.state) {
    case 'connecting':
      return status.attempt > 1 ? `attempt ${status.attempt}` : ''
    case 'online':
      return status.resumed ? 'resumed where it was' : 'first connection'
    case 'waiting':
      return CODES[status.reason] ? `${status.reason}: ${CODES[status.reason]}` : status.reason
    case 'suspended':
      return status.reason
    case 'closed':
      return status.error ? `${status.reason}: ${status.error.message}` : status.reason
    default:
      return ''
  }
}

function showStatus(status) {
  const last = timeline[0]
  if (last) {
    last.until = status.since
    last.time.textContent = duration(last.until - last.since)
  }
  const length = element('span', { class: 'length number' })
  const entry = element('li', {
    'data-state': status.state,
    children: [
      time(status.since),
      element('span', { class: 'what', text: STATES[status.state] }),
      length,
      element('span', { class: 'why', text: explain(status) }),
    ],
  })
  timeline.unshift({ state: status.state, since: status.since, time: length })
  timeline.length = Math.min(timeline.length, TIMELINE_LENGTH)
  putOnTop($('timeline'), entry, TIMELINE_LENGTH)

  $('connection').dataset.state = status.state
  $('state').textContent = STATES[status.state]
  $('detail').textContent = explain(status)
  $('drop').setAttribute('aria-disabled', String(status.state !== 'online'))
  showDial(status)
  tick()
}

function showDial({ state }) {
  const isUseful = (state === 'waiting' || state === 'closed') && !network.isOffline
  // A button that vanishes under the keyboard's focus would throw it to the top of the page.
  if (!isUseful && document.activeElement === $('dial')) $('drop').focus()
  $('dial').hidden = !isUseful
}

/** What changes by the mere passing of time. None of it is announced: a screen reader would never be silent. */
function tick() {
  const [present] = timeline
  if (!present) return
  const now = Date.now()
  const { status } = client
  present.time.textContent = duration(now - present.since)
  const left = status.state === 'waiting' ? Math.max(0, status.retryAt - now) : undefined
  $('clock').textContent =
    left === undefined ? `for ${duration(now - present.since)}` : `next try in ${countdown(left)}`
  drawStrip(now)
}

function countdown(ms) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)
}

function drawStrip(now) {
  const start = now - STRIP_SECONDS * 1000
  const parts = timeline
    .filter(({ until = now }) => until > start)
    .map(({ state, since, until = now }) => {
      const from = (Math.max(since, start) - start) / 1000
      // A state of a few milliseconds must still be seen.
      const width = Math.max((until - start) / 1000 - from, 0.4)
      return shape('rect', { x: Math.min(from, STRIP_SECONDS - width), y: 0, width, height: 1, 'data-state': state })
    })
  $('strip').replaceChildren(...parts)
}

// --- Sending ---

const counts = { sent: 0, accepted: 0, received: 0, waiting: 0 }
const ALWAYS = ['sent', 'accepted', 'received', 'waiting']

function showCounts() {
  const shown = Object.entries(counts).filter(([name, count]) => count > 0 || ALWAYS.includes(name))
  $('counters').replaceChildren(
    ...shown.map(([name, count]) =>
      element('div', {
        'data-counter': name,
        'data-some': String(count > 0),
        children: [element('dt', { text: name }), element('dd', { class: 'number', text: count.toLocaleString('en') })],
      }),
    ),
  )
}

/** Sends, counts, and remembers when, for the latency. Throws what `sendSignal` throws. */
function send(name, data, options) {
  const sentAt = performance.now()
  const result = client.sendSignal(name, data, options)
  counts.sent += 1
  counts.waiting += 1
  showCounts()
  $('outcome').textContent = `${name}: ${client.status.state === 'online' ? 'sent …' : 'waits for the connection …'}`
  void result.then(({ id, outcome, error }) => {
    counts.waiting -= 1
    counts[outcome] = (counts[outcome] ?? 0) + 1
    showCounts()
    const ms = latency(performance.now() - sentAt)
    $('outcome').textContent = error ? `${name}: ${outcome}. ${error.message}` : `${name}: ${outcome} in ${ms}`
    measure(id, { sentAt })
  })
}

function formError(text, field) {
  $('form-error').textContent = text
  for (const id of ['name', 'room', 'key', 'data']) $(id).toggleAttribute('aria-invalid', id === field)
  if (field) $(field).focus()
}

function readForm() {
  const text = $('data').value.trim()
  const options = { room: $('room').value.trim() || DEFAULT_ROOM }
  const key = $('key').value.trim()
  if (key) options.key = key
  return { name: $('name').value.trim(), data: text === '' ? undefined : JSON.parse(text), options }
}

function sendForm() {
  let signal
  try {
    signal = readForm()
  } catch (error) {
    formError(`The data is not JSON, and nothing was sent. ${error.message}`, 'data')
    return
  }
  trySend(signal.name, signal.data, signal.options)
}

function trySend(name, data, options) {
  try {
    send(name, data, options)
    formError('')
  } catch (error) {
    const isRoom = error.code === 'bad-name' && / room name/.test(error.message)
    const field = { 'bad-name': isRoom ? 'room' : 'name', 'bad-data': 'data', 'too-large': 'data' }[error.code]
    formError(`${error.code ?? 'error'}: ${error.message}`, field)
  }
}

function buildCommon() {
  for (const { name, data } of COMMON) {
    const example = data()
    const button = element('button', {
      type: 'button',
      class: 'signal',
      children: [
        element('span', { class: 'signal-name', text: name }),
        element('span', { class: 'signal-data', text: example === undefined ? 'no data' : JSON.stringify(example) }),
      ],
    })
    button.addEventListener('click', () => {
      const fresh = data()
      button.lastElementChild.textContent = fresh === undefined ? 'no data' : JSON.stringify(fresh)
      trySend(name, fresh, { room: $('room').value.trim() || DEFAULT_ROOM })
    })
    $('common').append(button)
    $('names').append(element('option', { value: name }))
  }
}

// --- Receiving ---

const rooms = new Map()

function listen(room) {
  if (rooms.has(room)) return
  // One function for each room: the client takes the same function, name and options for one registration.
  rooms.set(room, client.receiveSignal('*', showSignal, { room }))
  showRooms()
}

function showRooms() {
  $('rooms').replaceChildren(
    ...[...rooms.keys()].map((room) => {
      const remove = element('button', { type: 'button', class: 'remove', 'aria-label': `Stop listening to ${room}` })
      remove.append(shape('svg', { viewBox: '0 0 12 12', 'aria-hidden': 'true' }))
      remove.firstElementChild.append(shape('path', { d: 'M2 2l8 8M10 2l-8 8' }))
      remove.addEventListener('click', () => {
        rooms.get(room)()
        rooms.delete(room)
        showRooms()
        $('new-room').focus()
      })
      return element('li', { children: [element('span', { text: room }), remove] })
    }),
  )
  if (rooms.size === 0) $('rooms').append(element('li', { class: 'empty', text: 'None: this page hears nothing.' }))
}

function preview(data) {
  if (data === undefined) return ''
  const text = JSON.stringify(data)
  return text.length <= DATA_LENGTH
    ? text
    : `${text.slice(0, DATA_LENGTH)} … and ${(text.length - DATA_LENGTH).toLocaleString('en')} more characters`
}

function from({ self, sender }) {
  if (self) return 'this page'
  if (sender.server) return `server ${sender.server}`
  return sender.user ? `user ${sender.user}` : 'another page'
}

function showSignal(data, signal) {
  const receivedAt = performance.now()
  counts.received += 1
  showCounts()
  const took = element('span', { class: 'took number' })
  const entry = element('li', {
    'data-from': signal.self ? 'self' : 'other',
    'data-signal': signal.id,
    children: [
      time(signal.at, true),
      element('span', { class: 'signal-name', text: signal.name }),
      element('span', { class: 'meta', children: marks(signal) }),
      took,
      element('code', { class: 'signal-data', text: preview(data) }),
    ],
  })
  putOnTop($('log'), entry, LOG_LENGTH)
  showLogNote()
  if (signal.self) measure(signal.id, { receivedAt, took })
}

function marks(signal) {
  const made = [
    element('span', { class: 'room', text: signal.room }),
    element('span', { class: 'from', text: from(signal) }),
  ]
  if (signal.replayed) made.push(element('span', { class: 'replayed', text: 'replayed' }))
  return made
}

function showGap({ room, reason }) {
  const why = reason === 'epoch' ? 'the relay began anew' : 'this page was away for too long'
  const text = `Signals in ${room} may be missing: ${why}.`
  putOnTop(
    $('log'),
    element('li', { class: 'gap', children: [time(Date.now(), true), element('span', { text })] }),
    LOG_LENGTH,
  )
  showLogNote()
}

function showLogNote() {
  const { length } = $('log').children
  $('log-empty').hidden = length > 0
  $('log').parentElement.hidden = length === 0
  $('log-note').textContent = length >= LOG_LENGTH ? `The newest ${LOG_LENGTH} are kept.` : ''
}

// --- Latency ---

const halves = new Map()
const samples = []

/**
 * The id of a signal is known from its result, and the signal itself may come before that or after: whichever is the
 * second completes the measurement.
 */
function measure(id, half) {
  const whole = { ...halves.get(id), ...half }
  if (whole.sentAt === undefined || whole.receivedAt === undefined) {
    halves.set(id, whole)
    if (halves.size > LOG_LENGTH) halves.delete(halves.keys().next().value)
    return
  }
  halves.delete(id)
  const ms = whole.receivedAt - whole.sentAt
  whole.took.textContent = latency(ms)
  samples.push(ms)
  if (samples.length > PLOT_LENGTH) samples.shift()
  drawPlot()
}

function quantile(sorted, share) {
  const middle = (sorted.length - 1) * share
  const low = sorted[Math.floor(middle)]
  return low + (sorted[Math.ceil(middle)] - low) * (middle % 1)
}

/** The ticks of a logarithmic axis that just holds all samples: 1, 2, 5, 10 …, or only 1, 10, 100 … over a wide range. */
function ticksFor(least, most) {
  const steps = most / least > 100 ? [1] : [1, 2, 5]
  const all = POWERS.flatMap((power) => steps.map((step) => step * power))
  const low = all.findLastIndex((tick) => tick <= least)
  const high = all.findIndex((tick) => tick >= most)
  return all.slice(Math.max(0, low), Math.max(high, low + 2) + 1)
}

/**
 * Logarithmic, because a signal that waited for a connection takes a thousand times as long as one that did not. Drawn in
 * the pixels of its box, so that lines and letters stay crisp at every width.
 */
function drawPlot() {
  if (samples.length === 0) {
    $('plot').replaceChildren()
    $('latency-text').textContent =
      'From sendSignal to the handler in this same page, through the relay. Send something to see it.'
    return
  }
  const sorted = [...samples].toSorted((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  const slow = quantile(sorted, 0.95)
  const width = Math.round($('plot').clientWidth)
  const height = 190
  const [left, right, top, bottom] = [52, 12, 12, 34]
  const ticks = ticksFor(sorted[0], sorted.at(-1))
  const slots = Math.max(samples.length, 20)
  const low = Math.log10(ticks[0])
  const high = Math.log10(ticks.at(-1))
  const y = (ms) => top + (1 - (Math.log10(Math.max(ms, ticks[0])) - low) / (high - low)) * (height - top - bottom)
  const x = (index) => left + 8 + (index / (slots - 1)) * (width - left - right - 16)
  const crisp = (value) => Math.round(value) + 0.5

  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' })
  const label = `The last ${samples.length} latencies: median ${latency(median)}, 95 % within ${latency(slow)}`
  svg.setAttribute('aria-label', label)
  for (const tick of ticks) {
    const line = crisp(y(tick))
    svg.append(shape('line', { class: 'grid', x1: left, x2: width - right, y1: line, y2: line }))
    const text = tick >= 1000 ? `${tick / 1000} s` : `${Number(tick.toPrecision(1))} ms`
    svg.append(shape('text', { class: 'axis', x: left - 8, y: line + 4, 'text-anchor': 'end' }, text))
  }
  const base = height - bottom + 22
  svg.append(shape('text', { class: 'axis', x: left, y: base }, '← older'))
  const caption = `own signals, last ${PLOT_LENGTH}`
  svg.append(shape('text', { class: 'axis', x: (left + width - right) / 2, y: base, 'text-anchor': 'middle' }, caption))
  svg.append(shape('text', { class: 'axis', x: width - right, y: base, 'text-anchor': 'end' }, 'newest →'))

  const first = slots - samples.length
  const points = samples.map((ms, index) => [x(first + index), y(ms)])
  svg.append(shape('polyline', { class: 'trace', points: points.map(([px, py]) => `${px},${py}`).join(' ') }))
  for (const [cx, cy] of points) svg.append(shape('circle', { class: 'dot', cx, cy, r: 2.5 }))
  const line = crisp(y(median))
  svg.append(shape('line', { class: 'median', x1: left, x2: width - right, y1: line, y2: line }))
  $('plot').replaceChildren(svg)
  $('latency-text').replaceChildren(
    element('span', { class: 'median-key', text: `median ${latency(median)}` }),
    element('span', { text: `95 % within ${latency(slow)}` }),
    element('span', { text: `slowest ${latency(sorted.at(-1))}` }),
  )
}

// --- Problems ---

function showProblem(error) {
  const entry = element('li', {
    children: [
      time(Date.now()),
      element('code', { text: error.code ?? error.name }),
      element('span', { text: error.message }),
    ],
  })
  $('problems').hidden = false
  putOnTop($('problem-list'), entry, PROBLEMS_LENGTH)
}

// --- Start ---

const network = installSwitch()
const url = new URLSearchParams(location.search).get('url') ?? undefined
const client = createClient()

function createClient() {
  try {
    return window.Signalpost.createSignalClient({ ...(url && { url }), onError: showProblem })
  } catch (error) {
    const text = window.Signalpost ? error.message : '/signalpost.min.js did not load. Run npm run build first.'
    showProblem({ code: error.code ?? 'no-sdk', message: text })
    return undefined
  }
}

function start() {
  client.onStatus(showStatus)
  client.onGap(showGap)
  showStatus(client.status)
  listen(DEFAULT_ROOM)
  setInterval(() => {
    if (!document.hidden) tick()
  }, 250)

  $('drop').addEventListener('click', () => network.cut())
  $('dial').addEventListener('click', () => client.connect())
  $('offline').addEventListener('click', () => {
    network.isOffline = !network.isOffline
    $('offline').textContent = network.isOffline ? 'Go online' : 'Go offline'
    showDial(client.status)
    if (!network.isOffline) client.connect()
  })
  $('form').addEventListener('submit', (event) => {
    event.preventDefault()
    sendForm()
  })
  $('data').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('form').requestSubmit()
  })
  $('room-form').addEventListener('submit', (event) => {
    event.preventDefault()
    const room = $('new-room').value.trim()
    try {
      listen(room)
      $('new-room').value = ''
      $('room-error').textContent = ''
    } catch (error) {
      $('room-error').textContent = `${error.code}: ${error.message}`
    }
  })
  $('burst').addEventListener('click', () => {
    // One after the other: at once they would measure this page's drawing, not the way through the relay.
    for (let index = 1; index <= 20; index += 1) {
      setTimeout(() => trySend('Ping', { index }, { room: DEFAULT_ROOM }), index * 60)
    }
  })
}

$('second').href = location.href
$('url').textContent = url ?? `${location.origin.replace(/^http/, 'ws')}/signals`
$('clear-log').addEventListener('click', () => {
  $('log').replaceChildren()
  showLogNote()
})
$('clear-problems').addEventListener('click', () => {
  $('problem-list').replaceChildren()
  $('problems').hidden = true
})
buildCommon()
showCounts()
showLogNote()
drawPlot()
new ResizeObserver(drawPlot).observe($('plot'))
if (client) start()
