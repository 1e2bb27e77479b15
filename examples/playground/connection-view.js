import { $, countdown, duration, element, putOnTop, shape, time } from './page.js'

const LENGTH = 60
const STRIP_SECONDS = 120
/** Shorter states would not be seen on the strip. */
const STRIP_LEAST_SECONDS = 0.4

const WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting',
  online: 'Online',
  waiting: 'Waiting',
  suspended: 'Suspended',
  closed: 'Closed',
}

/** What a close code means, for the codes that come without a text. */
const CODES = {
  1000: 'the relay ended it',
  1001: 'the relay goes away',
  1005: 'the relay ended it',
  1006: 'no connection',
  4503: 'the relay restarts',
  4508: 'this page was too slow',
  4529: 'too many connections',
}

const timeline = []
let present

export function showStatus(status) {
  const [last] = timeline
  if (last) {
    last.until = status.since
    last.length.textContent = duration(last.until - last.since)
  }
  present = status
  const { state, since } = status
  const why = explain(status)
  const length = element('span', { class: 'length number' })
  const what = element('span', { class: 'what', text: WORDS[state] })
  const children = [time(since), what, length, element('span', { class: 'why', text: why })]
  timeline.unshift({ state, since, length })
  timeline.length = Math.min(timeline.length, LENGTH)
  putOnTop($('timeline'), element('li', { 'data-state': state, children }), LENGTH)

  $('connection').dataset.state = state
  $('state').textContent = WORDS[state]
  $('detail').textContent = why
  tick()
}

/** Shows what changes by the mere passing of time. None of it is announced: a screen reader would never be silent. */
export function tick() {
  if (!present) return
  const now = Date.now()
  const age = duration(now - present.since)
  timeline[0].length.textContent = age
  $('clock').textContent =
    present.state === 'waiting' ? `next try in ${countdown(Math.max(0, present.retryAt - now))}` : `for ${age}`
  drawStrip(now)
}

function explain(status) {
  switch (status.state) {
    case 'connecting':
      return status.attempt > 1 ? `attempt ${status.attempt}` : ''
    case 'online':
      return status.resumed ? 'connected again' : 'first connection'
    case 'waiting': {
      const reason = status.reason.trim()
      return CODES[reason] ? `${reason}: ${CODES[reason]}` : reason
    }
    case 'closed':
      return status.error ? status.error.message : status.reason
    default:
      return status.reason ?? ''
  }
}

function drawStrip(now) {
  const start = now - STRIP_SECONDS * 1000
  const parts = timeline
    .filter(({ until = now }) => until > start)
    .map(({ state, since, until = now }) => {
      const from = (Math.max(since, start) - start) / 1000
      const width = Math.max((until - start) / 1000 - from, STRIP_LEAST_SECONDS)
      return shape('rect', { x: Math.min(from, STRIP_SECONDS - width), width, height: 1, 'data-state': state })
    })
  $('strip').replaceChildren(...parts)
}
