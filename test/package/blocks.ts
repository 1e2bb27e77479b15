import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.js'

/** A block of code in a document. */
export interface Block {
  readonly language: string
  readonly text: string
}

/** The blocks of a document, in order. */
export function blocksOf(path: string): Block[] {
  return blocksIn(readDocument(path))
}

function blocksIn(document: string): Block[] {
  return [...document.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }))
}

/** The texts of all blocks of a language. */
export function textsOf(path: string, language: string): string[] {
  return blocksOf(path)
    .filter((block) => block.language === language)
    .map(({ text }) => text)
}

/** The texts of the blocks of a language under a heading. */
export function textsUnder(path: string, heading: string, language: string): string[] {
  return blocksIn(sectionOf(path, heading))
    .filter((block) => block.language === language)
    .map(({ text }) => text)
}

/** The headings of the second level. */
export function headingsOf(path: string): string[] {
  return [...readDocument(path).matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading)
}

function sectionOf(path: string, heading: string): string {
  return readDocument(path).split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
}

function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
