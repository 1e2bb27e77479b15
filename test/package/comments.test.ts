import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

/** Folders whose comments are plain English: each begins with a noun of the code, or with a verb. */
const FOLDERS = ['src', 'examples/relay']

const VAGUE_SUBJECT = /^\s*(\/\/|\*|\/\*\*)\s*(What|Who|Whoever|Nobody)\b/

describe.each(FOLDERS)('the comments of %s', (folder) => {
  it('name the subject of their first sentence', () => {
    const vague = filesIn(folder, '.ts').flatMap((file) =>
      readFileSync(join(ROOT, folder, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (VAGUE_SUBJECT.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
    expect(vague).toEqual([])
  })
})
