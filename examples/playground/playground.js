import { showStatus, tick } from './connection-view.js'
import { addLatency, drawLatencies } from './latency-plot.js'
import { installNetworkSwitch } from './network-switch.js'
import { $, element, latency, putOnTop, shape, time } from './page.js'
import { clearLog, showGap, showSignal } from './received-log.js'
import { isShared, showSharing } from './sharing-view.js'

const COMMON = [
  { name: 'ReportIncome', data: () => ({ userId: 123, action: 'refresh' }) },
  { name: 'RefreshDashboard', data: () => undefined },
  { name: 'UpdateNotifications', data: () => ({ unread: 1 + Math.floor(Math.random() * 9) }) },
  { name: 'SystemAlert', data: () => ({ level: 'info', text: 'Maintenance at 22:00' }) },
]
const FIELDS = ['name', 'room', 'key', 'data']
const PROBLEMS = 20
const BURST = { count: 20, every: 60 }
const HALVES = 500

const network = installNetworkSwitch()
const url = new URLSearchParams(location.search).get('url') ?? './signals'
const client = await createClient()
const counts = { sent: 0, accepted: 0, received: 0, waiting: 0 }
const shownAtZero = new Set(Object.keys(counts))
const rooms = new Map()
const halves = new Map()

/** The script tag comes after the network switch: with a url it connects at once, in the way that its attributes say. */
function loadScript() {
  const script = document.createElement('script')
  script.src = 'signalpost.min.js'
  if (isShared) Object.assign(script.dataset, { url, shared: '' })
  document.head.append(script)
  return new Promise((resolve) => {
    script.onload = script.onerror = resolve
  })
}

async function createClient() {
  await loadScript()
  if (!window.Signalpost) {
    showProblem({
      code: 'no-sdk',
      message: 'signalpost.min.js did not load. Run npm run build, then load this page again.',
    })
    return
  }
  try {
    const { createSignalClient, getPageClient } = window.Signalpost
    return isShared ? getPageClient() : createSignalClient({ url, onError: showProblem })
  } catch (error) {
    showProblem(error)
  }
}

function showProblem({ code, message }) {
  const children = [time(Date.now()), element('code', { text: code }), element('span', { text: message })]
  $('problems').hidden = false
  putOnTop($('problem-list'), element('li', { children }), PROBLEMS)
}

function showCounts() {
  const shown = Object.entries(counts).filter(([name, count]) => count > 0 || shownAtZero.has(name))
  $('counters').replaceChildren(
    ...shown.map(([name, count]) =>
      element('div', {
        'data-counter': name,
        'data-some': String(count > 0),
        children: [element('dt', { text: name }), element('dd', { class: 'number', text: String(count) })],
      }),
    ),
  )
}

function onStatus(status) {
  showStatus(status)
  // Not `disabled`: that would throw the keyboard's focus off the button at every drop.
  $('drop').setAttribute('aria-disabled', String(status.state !== 'online'))
  showDial()
}

function showDial() {
  const { state } = client.status
  const isUseful = (state === 'waiting' || state === 'closed') && !network.isOffline
  if (!isUseful && document.activeElement === $('dial')) $('drop').focus()
  $('dial').hidden = !isUseful
}

function toggleOffline() {
  network.isOffline = !network.isOffline
  $('offline').textContent = network.isOffline ? 'Go online' : 'Go offline'
  showDial()
  if (!network.isOffline) client.connect()
}

/** Throws what `sendSignal` throws. */
async function send(name, data, options) {
  const sentAt = performance.now()
  const result = client.sendSignal(name, data, options)
  counts.sent += 1
  counts.waiting += 1
  showCounts()
  $('outcome').textContent = `${name}: ${client.status.state === 'online' ? 'sent …' : 'waits for the connection …'}`
  const { id, outcome, error } = await result
  counts.waiting -= 1
  counts[outcome] = (counts[outcome] ?? 0) + 1
  showCounts()
  const took = latency(performance.now() - sentAt)
  $('outcome').textContent = error ? `${name}: ${outcome}. ${error.message}` : `${name}: ${outcome} in ${took}`
  measure(id, { sentAt })
}

async function trySend(name, data, options) {
  showFormError('')
  try {
    await send(name, data, options)
  } catch (error) {
    showFormError(`${error.code}: ${error.message}`, fieldOf(error))
  }
}

/** The error quotes the name that is not one: the signal's or the room's. */
function fieldOf({ code, message }) {
  if (code !== 'bad-name') return 'data'
  return FIELDS.find((id) => message.includes(JSON.stringify($(id).value.trim())))
}

function showFormError(text, field) {
  $('form-error').textContent = text
  for (const id of FIELDS) $(id).setAttribute('aria-invalid', String(id === field))
  if (field) $(field).focus()
}

function sendForm() {
  const text = $('data').value.trim()
  let data
  try {
    data = text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    return showFormError(`The data is not JSON, and nothing was sent. ${error.message}`, 'data')
  }
  const key = $('key').value.trim()
  return trySend($('name').value.trim(), data, { room: roomOfForm(), ...(key && { key }) })
}

function roomOfForm() {
  return $('room').value.trim() || 'main'
}

function buildCommon() {
  for (const { name, data } of COMMON) {
    const example = element('span', { class: 'signal-data' })
    const button = element('button', {
      type: 'button',
      class: 'signal',
      children: [element('span', { class: 'signal-name', text: name }), example],
    })
    let next = data()
    const showNext = () => {
      example.textContent = next === undefined ? 'no data' : JSON.stringify(next)
    }
    button.addEventListener('click', () => {
      void trySend(name, next, { room: roomOfForm() })
      next = data()
      showNext()
    })
    showNext()
    $('common').append(button)
    $('names').append(element('option', { value: name }))
  }
}

/** One after the other: all at once they would measure this page's drawing, not the way through the relay. */
function sendBurst() {
  for (let index = 1; index <= BURST.count; index += 1) {
    setTimeout(() => trySend('Ping', { index }, { room: 'main' }), index * BURST.every)
  }
}

function listen(room) {
  if (rooms.has(room)) return
  rooms.set(room, client.receiveSignal('*', onSignal, { room }))
  showRooms()
}

function onSignal(_data, signal) {
  const receivedAt = performance.now()
  counts.received += 1
  showCounts()
  const showLatency = showSignal(signal)
  if (signal.self) measure(signal.id, { receivedAt, showLatency })
}

/** A signal's id is known from its result, and the signal may arrive before that or after: the second one measures. */
function measure(id, half) {
  const whole = { ...halves.get(id), ...half }
  halves.set(id, whole)
  if (halves.size > HALVES) halves.delete(halves.keys().next().value)
  if (whole.sentAt === undefined || whole.receivedAt === undefined) return
  halves.delete(id)
  const ms = whole.receivedAt - whole.sentAt
  whole.showLatency(latency(ms))
  addLatency(ms)
}

function showRooms() {
  const shown = [...rooms.keys()].map((room) => {
    const cross = shape('svg', {
      viewBox: '0 0 12 12',
      'aria-hidden': 'true',
      children: [shape('path', { d: 'M2 2l8 8M10 2l-8 8' })],
    })
    const remove = element('button', {
      type: 'button',
      class: 'remove',
      'aria-label': `Stop listening to ${room}`,
      children: [cross],
    })
    remove.addEventListener('click', () => {
      rooms.get(room)()
      rooms.delete(room)
      showRooms()
      $('new-room').focus()
    })
    return element('li', { children: [element('span', { text: room }), remove] })
  })
  if (shown.length === 0) shown.push(element('li', { class: 'empty', text: 'None: this page hears nothing.' }))
  $('rooms').replaceChildren(...shown)
}

function addRoom() {
  try {
    listen($('new-room').value.trim())
    $('new-room').value = ''
    $('room-error').textContent = ''
  } catch (error) {
    $('room-error').textContent = `${error.code}: ${error.message}`
  }
}

function onSubmit(form, act) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void act()
  })
}

function start() {
  client.onStatus(onStatus)
  client.onGap(showGap)
  onStatus(client.status)
  listen('main')
  setInterval(() => document.hidden || tick(), 250)

  $('drop').addEventListener('click', network.cut)
  $('offline').addEventListener('click', toggleOffline)
  $('dial').addEventListener('click', () => client.connect())
  $('burst').addEventListener('click', sendBurst)
  $('data').addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
    if (key === 'Enter' && (ctrlKey || metaKey)) $('form').requestSubmit()
  })
  onSubmit($('form'), sendForm)
  onSubmit($('room-form'), addRoom)
}

function disable() {
  const controls = document.querySelectorAll('.actions button, .columns :is(button, input, textarea)')
  for (const control of controls) control.disabled = true
}

$('second').href = location.href
const address = url.startsWith('.') ? new URL(url, location.href).href.replace(/^http/, 'ws') : url
// A long address goes on in the next line after a slash or a dot, not in the middle of a word.
$('url').append(...address.split(/(?<=\/)(?!\/)|(?<=\.)/).flatMap((part) => [part, element('wbr')]))
$('clear-log').addEventListener('click', clearLog)
$('clear-problems').addEventListener('click', () => {
  $('problem-list').replaceChildren()
  $('problems').hidden = true
  $('offline').focus()
})
buildCommon()
showCounts()
clearLog()
new ResizeObserver(drawLatencies).observe($('plot'))
drawLatencies()
if (client) start()
else disable()
void showSharing()
