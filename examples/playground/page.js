/** Small tools of the page. Text is always set as text: nothing that comes from outside is ever HTML. */

const SVG = 'http://www.w3.org/2000/svg'

export const $ = (id) => document.getElementById(id)

export function element(tag, { text, children = [], ...attributes } = {}) {
  return fill(document.createElement(tag), attributes, text, children)
}

export function shape(tag, { text, children = [], ...attributes } = {}) {
  return fill(document.createElementNS(SVG, tag), attributes, text, children)
}

function fill(made, attributes, text, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  if (text !== undefined) made.textContent = text
  made.append(...children)
  return made
}

/** Puts a new entry on top of a list and forgets the oldest ones. */
export function putOnTop(list, entry, length) {
  list.prepend(entry)
  while (list.children.length > length) list.lastElementChild.remove()
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

export function time(at, { isExact = false } = {}) {
  const date = new Date(at)
  const exact = `.${String(date.getMilliseconds()).padStart(3, '0')}`
  return element('time', { datetime: date.toISOString(), text: `${clock.format(date)}${isExact ? exact : ''}` })
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return seconds(ms)
  const whole = Math.round(ms / 1000)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function countdown(ms) {
  return ms < 10_000 ? seconds(ms) : duration(ms)
}

export function latency(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : duration(ms)
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}
