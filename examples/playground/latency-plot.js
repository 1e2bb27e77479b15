import { $, element, latency, shape } from './page.js'

const LENGTH = 60
/** Fewer samples than this do not fill the width. */
const LEAST_SLOTS = 20
/** From a tenth of a millisecond to longer than a signal may wait. */
const POWERS = [0.1, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
const HEIGHT = 190
const EDGE = { left: 60, right: 12, top: 12, bottom: 34 }

const samples = []

export function addLatency(ms) {
  samples.push(ms)
  if (samples.length > LENGTH) samples.shift()
  drawLatencies()
}

/** Drawn in the pixels of its box, so that lines and letters are crisp at every width. */
export function drawLatencies() {
  if (samples.length === 0) return showEmpty()
  const sorted = samples.toSorted((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  const within = latency(quantile(sorted, 0.95))
  const scale = createScale(Math.round($('plot').clientWidth), sorted)
  const label = `The last ${samples.length} latencies: median ${latency(median)}, 95 % within ${within}`
  const line = crisp(scale.y(median))
  $('plot').replaceChildren(
    shape('svg', {
      viewBox: `0 0 ${scale.width} ${HEIGHT}`,
      width: scale.width,
      height: HEIGHT,
      role: 'img',
      'aria-label': label,
      children: [
        ...scale.ticks.flatMap((tick) => drawTick(tick, scale)),
        ...drawTimeAxis(scale),
        ...drawTrace(scale),
        shape('line', { class: 'median', x1: EDGE.left, x2: scale.width - EDGE.right, y1: line, y2: line }),
      ],
    }),
  )
  $('latency-text').replaceChildren(
    element('span', { class: 'median-key', text: `median ${latency(median)}` }),
    element('span', { text: `95 % within ${within}` }),
    element('span', { text: `slowest ${latency(sorted.at(-1))}` }),
  )
}

function showEmpty() {
  $('latency-text').textContent =
    'From sendSignal to the handler in this same page, through the relay. Send something to see it.'
}

/** Logarithmic: a signal that waited for a connection takes a thousand times as long as one that did not. */
function createScale(width, sorted) {
  const ticks = ticksFor(sorted[0], sorted.at(-1))
  const low = Math.log10(ticks[0])
  const high = Math.log10(ticks.at(-1))
  const inner = { width: width - EDGE.left - EDGE.right - 16, height: HEIGHT - EDGE.top - EDGE.bottom }
  const slots = Math.max(samples.length, LEAST_SLOTS)
  return {
    width,
    ticks,
    x: (index) => EDGE.left + 8 + ((slots - samples.length + index) / (slots - 1)) * inner.width,
    y: (ms) => EDGE.top + (1 - (Math.log10(Math.max(ms, ticks[0])) - low) / (high - low)) * inner.height,
  }
}

/** The marks that just hold all samples: 1, 2, 5, 10 …, or only 1, 10, 100 … over a wide range. */
function ticksFor(least, most) {
  const steps = most / least > 100 ? [1] : [1, 2, 5]
  const all = POWERS.flatMap((power) => steps.map((step) => step * power))
  const low = Math.max(
    0,
    all.findLastIndex((tick) => tick <= least),
  )
  const high = all.findIndex((tick) => tick >= most)
  return all.slice(low, Math.max(high, low + 2) + 1)
}

function drawTick(tick, { y, width }) {
  const line = crisp(y(tick))
  const text = tick >= 1000 ? `${tick / 1000} s` : `${Number(tick.toPrecision(1))} ms`
  return [
    shape('line', { class: 'grid', x1: EDGE.left, x2: width - EDGE.right, y1: line, y2: line }),
    shape('text', { class: 'axis', x: EDGE.left - 8, y: line + 4, 'text-anchor': 'end', text }),
  ]
}

function drawTimeAxis({ width }) {
  const y = HEIGHT - EDGE.bottom + 22
  const right = width - EDGE.right
  const made = [
    shape('text', { class: 'axis', x: EDGE.left, y, text: '← older' }),
    shape('text', { class: 'axis', x: right, y, 'text-anchor': 'end', text: 'newest →' }),
  ]
  const text = `own signals, last ${LENGTH}`
  if (width > 400)
    made.push(shape('text', { class: 'axis', x: (EDGE.left + right) / 2, y, 'text-anchor': 'middle', text }))
  return made
}

function drawTrace({ x, y }) {
  const points = samples.map((ms, index) => [x(index), y(ms)])
  return [
    shape('polyline', { class: 'trace', points: points.map((point) => point.join(',')).join(' ') }),
    ...points.map(([cx, cy]) => shape('circle', { class: 'dot', cx, cy, r: 2.5 })),
  ]
}

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)]
  return low + (sorted[Math.ceil(place)] - low) * (place % 1)
}

/** A line of one pixel is sharp only in the middle of a pixel. */
function crisp(value) {
  return Math.round(value) + 0.5
}
