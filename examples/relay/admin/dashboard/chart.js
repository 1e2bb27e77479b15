/** Draws the last seconds as an area, the newest at the right. */

const SVG = 'http://www.w3.org/2000/svg'
const SECONDS = 300
const HEIGHT = 100

export function drawChart(svg, values) {
  const top = niceTop(Math.max(1, ...values))
  const start = SECONDS - values.length
  const points = values.map((value, index) => `${start + index},${round(HEIGHT - (value / top) * HEIGHT)}`)
  if (!svg.firstChild) prepare(svg)
  const [area, line, label] = [svg.querySelector('.area'), svg.querySelector('.line'), svg.querySelector('title')]
  area.setAttribute(
    'd',
    points.length > 0 ? `M${start},${HEIGHT} L${points.join(' ')} L${SECONDS - 1},${HEIGHT} Z` : '',
  )
  line.setAttribute('d', points.length > 0 ? `M${points.join(' L')}` : '')
  label.textContent = `${values.at(-1) ?? 0} in the last second, ${Math.max(0, ...values)} at most in five minutes.`
  svg.parentElement.dataset.top = new Intl.NumberFormat('en', { notation: 'compact' }).format(top)
}

function prepare(svg) {
  svg.setAttribute('viewBox', `0 0 ${SECONDS - 1} ${HEIGHT}`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.append(document.createElementNS(SVG, 'title'))
  // A line for each minute, and for each quarter of the height.
  for (let second = 60; second < SECONDS; second += 60) svg.append(gridLine(`M${second},0 V${HEIGHT}`))
  for (let height = 0; height < HEIGHT; height += HEIGHT / 4) svg.append(gridLine(`M0,${height} H${SECONDS}`))
  svg.append(path('area'), path('line'))
}

function gridLine(d) {
  const line = path('grid')
  line.setAttribute('d', d)
  return line
}

function path(className) {
  const made = document.createElementNS(SVG, 'path')
  made.setAttribute('class', className)
  return made
}

/** 1, 2, 5, 10, 20, 50 … so that the scale does not move with every value. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

function round(value) {
  return Math.round(value * 10) / 10
}
