import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { format, resolveConfig } from 'prettier'
import { BUNDLERS } from './bundlers.mjs'
import { FEATURES, FILES } from './features.mjs'

/**
 * Prints what each feature and each file of the script tag weighs, and fails where the guide says otherwise. With `--local`
 * it writes the guide.
 */

/** How far a size may be from that in the guide, as a share and in bytes: small changes need no change of the guide. */
const TOLERANCE = 0.02
const NOISE = 60

const file = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const GUIDE = file('examples/guides/sizes.md')
const SECTION = /(?<=<!-- measured -->\n).*(?=<!-- end -->)/s

const { exports } = JSON.parse(readFileSync(file('package.json'), 'utf8'))

function sourceOf(imports) {
  return Object.entries(imports)
    .map(([entry, names]) => `export { ${names} } from ${JSON.stringify(file(exports[entry].default))}\n`)
    .join('')
}

function weigh(code) {
  return [gzipSync(code, { level: 9 }).length, brotliCompressSync(code).length]
}

const weights = new Map()

/** Each set of imports is bundled once. */
function bundle(bundler, source) {
  const key = bundler + source
  if (!weights.has(key)) weights.set(key, BUNDLERS[bundler](source).then(weigh))
  return weights.get(key)
}

async function measure({ imports, on }) {
  const sizes = []
  for (const bundler of Object.keys(BUNDLERS)) {
    const together = await bundle(bundler, sourceOf(imports) + sourceOf(on ?? {}))
    const before = on ? await bundle(bundler, sourceOf(on)) : [0, 0]
    sizes.push(...together.map((bytes, index) => bytes - before[index]))
  }
  return sizes
}

function table(head, rows) {
  const cells = [head, head.map((_title, column) => (column === 0 ? '---' : '--:')), ...rows]
  return cells.map((row) => `| ${row.join(' | ')} |\n`).join('')
}

const grouped = (bytes) => bytes.toLocaleString('en')

async function render() {
  const features = []
  for (const feature of FEATURES) {
    const sizes = await measure(feature)
    features.push([feature.name, ...sizes.map((bytes) => (feature.on ? '+' : '') + grouped(bytes))])
  }
  const files = Object.entries(FILES).map(([name, purpose]) => {
    const code = readFileSync(file(`dist/umd/${name}`))
    const [gzip, brotli] = weigh(code)
    return [`\`${name}\``, purpose, grouped(code.length), grouped(gzip), grouped(brotli)]
  })
  const titles = Object.keys(BUNDLERS).flatMap((bundler) => [`${bundler}: gzip`, 'brotli'])
  const text = `\n${table(['import', ...titles], features)}\n${table(['file', 'for', 'minified', 'gzip', 'brotli'], files)}\n`
  return format(text, { ...(await resolveConfig(GUIDE)), parser: 'markdown' })
}

const numbersIn = (line) =>
  (line.match(/(?<=\| *\+?)[\d,]+(?= *\|)/g) ?? []).map((text) => Number(text.replaceAll(',', '')))

/** Whether two lines have the same words, and nearly the same numbers. */
function isSame(line, other) {
  const wordsOf = (text) => text.replaceAll(/[\d,\s-]/g, '')
  const numbers = numbersIn(other)
  return (
    wordsOf(line) === wordsOf(other) &&
    numbersIn(line).every((bytes, index) => Math.abs(bytes - numbers[index]) <= Math.max(NOISE, bytes * TOLERANCE))
  )
}

const measured = await render()
console.log(measured)
const guide = readFileSync(GUIDE, 'utf8')
if (process.argv.includes('--local')) {
  writeFileSync(
    GUIDE,
    guide.replace(SECTION, () => `\n${measured}\n`),
  )
} else {
  const stated = guide.match(SECTION)[0].trim().split('\n')
  const lines = measured.trim().split('\n')
  const wrong = lines.filter((line, index) => !isSame(line, stated[index] ?? ''))
  if (wrong.length > 0 || stated.length !== lines.length) {
    console.error(`The guide states other sizes: ${GUIDE}. "npm run size -- --local" corrects it.\n${wrong.join('\n')}`)
    process.exitCode = 1
  }
}
