/** Numbers and times for people. */

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** 9,999 and below whole, 12.3K and so on above. */
export function count(value) {
  return value < 10_000 ? whole.format(value) : short.format(value)
}

export function perSecond(value) {
  return value < 100 && !Number.isInteger(value) ? value.toFixed(1) : count(Math.round(value))
}

export function bytes(value) {
  return value < 1024 ** 3 ? `${Math.round(value / 1024 ** 2)} MB` : `${(value / 1024 ** 3).toFixed(1)} GB`
}

/** The two largest units: 3 d 4 h, 12 min 5 s. */
export function duration(seconds) {
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['min', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ]
  const first = units.findIndex(([, amount]) => amount > 0)
  if (first < 0) return '0 s'
  return units
    .slice(first, first + 2)
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(' ')
}

export function time(epoch) {
  return new Date(epoch).toLocaleTimeString([], { hour12: false })
}
