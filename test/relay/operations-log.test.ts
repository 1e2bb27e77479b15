import { describe, expect, it } from 'vitest'
import { createLogger } from '../../examples/relay/create-logger.js'

function setup(level = 'info') {
  const lines: string[] = []
  return {
    lines,
    log: createLogger({
      level,
      file: '',
      onTrouble: () => {},
      destination: { write: (line) => void lines.push(line) },
    }),
  }
}

describe('the log', () => {
  it('is one line of JSON each, whatever is in it', () => {
    const { lines, log } = setup()
    log.warn({ origin: 'https://evil.example\r\n{"level":"fatal"}', host: '\u001b[31m%s' }, 'refused')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1)
    for (const character of ['\r', '\u001b']) expect(lines[0]).not.toContain(character)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      origin: 'https://evil.example\r\n{"level":"fatal"}',
      host: '\u001b[31m%s',
      msg: 'refused',
    })
  })

  it('hides secrets, tokens and data, should anything ever log them', () => {
    const { lines, log } = setup()
    const secrets = {
      token: 'hunter2',
      secret: 'hunter2',
      password: 'hunter2',
      authorization: 'hunter2',
      data: 'hunter2',
    }
    log.error({ ...secrets, headers: { ...secrets, cookie: 'hunter2' } }, 'a request failed')
    expect(lines.join()).not.toContain('hunter2')
    expect(lines.join()).toContain('[hidden]')
  })

  it('leaves out what is less important than asked for', () => {
    const { lines, log } = setup('warn')
    log.info({}, 'a')
    log.debug({}, 'b')
    log.warn({}, 'c')
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c'])
  })
})
