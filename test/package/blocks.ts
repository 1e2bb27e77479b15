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
  const document = readFileSync(join(ROOT, path), 'utf8')
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
