import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

/** The documents that ship, or that users read, are easy to read and to follow. */

const SHIPPED = [
  'README.md',
  'CHANGELOG.md',
  ...filesIn('examples/guides', '').map((file) => `examples/guides/${file}`),
]
const GITHUB = filesIn('.github', '.md').map((file) => `.github/${file}`)
const EXAMPLES = filesIn('examples', '.md').map((file) => `examples/${file}`)
const DOCUMENTS = [...new Set([...SHIPPED, ...GITHUB, ...EXAMPLES])].filter((path) => /\.(md|txt)$/.test(path))

const HOME = 'https://github.com/signalpost/signalpost/blob/main/'
const MOST_WORDS = 30

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const withoutCode = (text: string): string => text.replaceAll(/^ *```[^]*?^ *```$/gm, '')

/** Paragraphs, list items and cells of tables, without headings and markup. */
function paragraphs(path: string): string[] {
  const blocks = withoutCode(read(path)).split(/\n(?:\s*\n)+|\n(?=\s*(?:[-*>] |[|#]|\d+\. ))/)
  return blocks
    .filter((block) => !/^\s*#/.test(block))
    .flatMap((block) => (block.startsWith('|') ? block.split(/(?<!\\)\|/) : [block]))
    .map((block) =>
      block
        .replace(/^\s*(?:[-*>]|\d+\.) /, '')
        .replaceAll(/`+[^`]*`+/g, 'Code')
        .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/\*\*|(?<!\w)_|_(?!\w)/g, '')
        .replace(/^\s*P\d+\.\d+ (\(client\) )?/, ''),
    )
}

function sentences(path: string): string[] {
  return paragraphs(path).flatMap((text) => text.trim().split(/(?<=[.!?]["')]?)\s+/))
}

/** The names by which GitHub links to the headings of a document. */
function anchors(path: string): string[] {
  const headings = [...withoutCode(read(path)).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text.toLowerCase())
  return headings.map((text) => text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'))
}

function isBroken(from: string, link: string): boolean {
  const [target = '', anchor] = link.replace(HOME, '').split('#')
  const file = link.startsWith(HOME) ? target : target ? join(from, '..', target) : from
  const isLost = SHIPPED.includes(from) && !link.startsWith(HOME) && ![...SHIPPED, 'LICENSE'].includes(file)
  return isLost || !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchors(file).includes(anchor))
}

describe.each(DOCUMENTS)('%s', (path) => {
  it(`has no sentence of more than ${MOST_WORDS} words`, () => {
    const words = (sentence: string): number =>
      sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length
    expect(sentences(path).filter((sentence) => words(sentence) > MOST_WORDS)).toEqual([])
  })

  it('names the subject of each sentence', () => {
    expect(sentences(path).filter((sentence) => /^["(]?(what|who|whoever|nobody)\b/i.test(sentence))).toEqual([])
  })

  it('has links that lead somewhere, from the package only to files of the package', () => {
    const links = [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const own = links.filter((link) => link.startsWith(HOME) || !/^https?:/.test(link))
    expect(own.filter((link) => isBroken(path, link))).toEqual([])
  })
})

describe('the documents of the package', () => {
  it.each(SHIPPED.filter((path) => path.endsWith('.md')))('have tables of at most 120 characters: %s', (path) => {
    expect(
      read(path)
        .split('\n')
        .filter((line) => line.startsWith('|') && line.length > 120),
    ).toEqual([])
  })

  it('begin with a README of at most 250 lines', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(250)
  })
})
