import { $, element, putOnTop, time } from './page.js'

const LENGTH = 200
/** Longer data is cut: one huge signal must not push everything else away. */
const DATA_LENGTH = 2000

/** Adds a signal and returns a function that fills in its latency. */
export function showSignal(signal) {
  const took = element('span', { class: 'took number' })
  add(
    element('li', {
      'data-from': signal.self ? 'self' : 'other',
      'data-id': signal.id,
      children: [
        time(signal.at, { isExact: true }),
        element('span', { class: 'signal-name', text: signal.name }),
        element('span', { class: 'meta', children: marks(signal) }),
        took,
        element('code', { class: 'signal-data', text: preview(signal.data) }),
      ],
    }),
  )
  return (text) => {
    took.textContent = text
  }
}

export function showGap({ room, reason }) {
  const why = reason === 'epoch' ? 'the relay began anew' : 'this page was away for too long'
  const text = element('span', { text: `Signals in ${room} may be missing: ${why}.` })
  add(element('li', { class: 'gap', children: [time(Date.now(), { isExact: true }), text] }))
}

export function clearLog() {
  $('log').replaceChildren()
  showLength()
}

function add(entry) {
  putOnTop($('log'), entry, LENGTH)
  showLength()
}

function showLength() {
  const { length } = $('log').children
  $('log-empty').hidden = length > 0
  $('log-box').hidden = length === 0
  $('log-note').textContent = length >= LENGTH ? `The newest ${LENGTH} are kept.` : ''
}

function marks({ room, self, sender, replayed }) {
  const made = [
    element('span', { class: 'room', text: room }),
    element('span', { class: 'from', text: self ? 'this page' : nameOf(sender) }),
  ]
  if (replayed) made.push(element('span', { class: 'replayed', text: 'replayed' }))
  return made
}

function nameOf({ server, user }) {
  if (server) return `server ${server}`
  return user ? `user ${user}` : 'another page'
}

function preview(data) {
  const text = data === undefined ? '' : JSON.stringify(data)
  if (text.length <= DATA_LENGTH) return text
  return `${text.slice(0, DATA_LENGTH)} … and ${text.length - DATA_LENGTH} more characters`
}
