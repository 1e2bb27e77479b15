import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTokenReader, KeysUnavailable, type TokenOptions } from '../../examples/relay/access/tokens.js'
import { connect, pageId, startRelay } from './protocol-client.js'

const SECRET = 'correct-horse-battery-staple-0123'
const OLD_SECRET = 'an-older-secret-that-still-counts'

const soon = (): number => Math.floor(Date.now() / 1000) + 600

function sign(claims: JWTPayload, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))
}

function setup(options: Partial<TokenOptions> = {}) {
  const refusals: string[] = []
  const settings = { authSecret: [SECRET, OLD_SECRET], authJwks: '', authIssuer: '', authAudience: '', ...options }
  const authorize = createTokenReader(settings, (text) => refusals.push(text))
  if (!authorize) throw new Error('There are no keys.')
  return { authorize, refusals }
}

/** Serves a JSON Web Key Set, as an identity provider does. */
async function serveKeys(keys: readonly unknown[]) {
  let requests = 0
  const server = createServer((_request, response) => {
    requests += 1
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { url: `http://127.0.0.1:${port}/jwks.json`, requests: () => requests }
}

describe('a token signed with a secret', () => {
  it('P9.10 gives what its claims say', async () => {
    const { authorize } = setup()
    const exp = soon()
    const claims = { sub: 'ann', jti: 't1', iat: exp - 900, exp, rooms: ['team:*', 'main'], send: ['Ask', 'Saved*'] }
    const rights = await authorize(await sign(claims))
    const join = (room: string): boolean | undefined => rights?.join?.(room)
    const send = (room: string, name: string): boolean | undefined => rights?.send?.(room, name)
    expect(rights).toMatchObject({ user: 'ann', id: 't1', issued: (exp - 900) * 1000, expires: (exp + 5) * 1000 })
    expect([join('team:7'), join('main'), join('team'), join('main2')]).toEqual([true, true, false, false])
    expect([send('main', 'Ask'), send('main', 'SavedAll'), send('main', 'Asked'), send('hall', 'Ask')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('allows everything that it does not limit, and may be nobody’s', async () => {
    const { authorize } = setup()
    const rights = await authorize(await sign({ exp: soon() }))
    expect(rights?.user).toBeUndefined()
    expect([rights?.join?.('any'), rights?.send?.('any', 'Any')]).toEqual([true, true])
  })

  it('may be signed with any of the secrets, so that one can follow another', async () => {
    const { authorize } = setup()
    expect(await authorize(await sign({ sub: 'ann', exp: soon() }, OLD_SECRET))).toMatchObject({ user: 'ann' })
  })

  it('P9.10 has rights that are over when its expiry is over, and the reason names nothing of it', async () => {
    const { authorize, refusals } = setup()
    const token = await sign({ sub: 'ann', exp: soon() - 606 })
    expect(await authorize(token)).toEqual({ expires: 0 })
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).not.toContain(token)
  })

  it.each<[string, () => Promise<string> | string]>([
    ['another secret', () => sign({ exp: soon() }, 'a-secret-that-this-relay-has-not!')],
    ['no expiry', () => sign({ sub: 'ann' })],
    ['a time that has not come', () => sign({ exp: soon(), nbf: soon() })],
    ['another algorithm with the right secret', () => sign({ exp: soon() }, SECRET, 'HS512')],
    ['the algorithm none', () => new UnsecuredJWT({ exp: soon() }).encode()],
    ['the algorithm none and a cut signature', async () => (await sign({ exp: soon() })).replace(/[^.]*$/, '')],
    ['rooms that are no list', () => sign({ exp: soon(), rooms: 'main' })],
    ['rooms that are no patterns', () => sign({ exp: soon(), rooms: ['a*b'] })],
    ['names that are no patterns', () => sign({ exp: soon(), send: ['**'] })],
    ['a user without a name', () => sign({ exp: soon(), sub: '' })],
    ['a user with a very long name', () => sign({ exp: soon(), sub: 'x'.repeat(257) })],
    ['no form at all', () => 'not a token'],
    ['nothing in it', () => ''],
  ])('P9.10 is refused for %s, and the reason names nothing of it', async (_name, make) => {
    const { authorize, refusals } = setup()
    const token = await make()
    expect(await authorize(token)).toBeUndefined()
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).not.toContain(token || 'a token')
  })

  it('bears clocks that differ by a few seconds', async () => {
    const { authorize } = setup()
    expect(await authorize(await sign({ exp: soon() - 602, nbf: soon() - 597 }))).toBeDefined()
  })

  it('must be of the issuer and for the audience that were asked for', async () => {
    const { authorize } = setup({ authIssuer: 'https://id.example', authAudience: 'relay' })
    const exp = soon()
    const tokens = [
      { exp, iss: 'https://id.example', aud: 'relay' },
      { exp, iss: 'https://id.example', aud: ['app', 'relay'] },
      { exp, iss: 'https://id.example', aud: 'app' },
      { exp, iss: 'https://other.example', aud: 'relay' },
      { exp },
    ]
    const rights = await Promise.all(tokens.map(async (claims) => authorize(await sign(claims))))
    expect(rights.map((given) => given !== undefined)).toEqual([true, true, false, false, false])
  })
})

describe('a token checked with a key set', () => {
  it.each(['RS256', 'PS384', 'ES256', 'EdDSA'])('is good when its %s signature is', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const { url } = await serveKeys([{ ...(await exportJWK(publicKey)), kid: 'k1', alg, use: 'sig' }])
    const { authorize } = setup({ authSecret: [], authJwks: url })
    const stranger = await generateKeyPair(alg)
    const good = new SignJWT({ sub: 'ann', exp: soon() }).setProtectedHeader({ alg, kid: 'k1' })
    const forged = new SignJWT({ sub: 'ann', exp: soon() }).setProtectedHeader({ alg, kid: 'k1' })
    expect(await authorize(await good.sign(privateKey))).toMatchObject({ user: 'ann' })
    expect(await authorize(await forged.sign(stranger.privateKey))).toBeUndefined()
  })

  it('is not good when a public key was taken for a secret', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    const secret = await exportSPKI(publicKey)
    const { url } = await serveKeys([
      { ...(await exportJWK(publicKey)), kid: 'k1' },
      { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'k2' },
    ])
    const { authorize } = setup({ authSecret: [], authJwks: url })
    const confused = new SignJWT({ exp: soon() }).setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    const symmetric = new SignJWT({ exp: soon() }).setProtectedHeader({ alg: 'HS256', kid: 'k2' })
    expect(await authorize(await confused.sign(new TextEncoder().encode(secret)))).toBeUndefined()
    expect(await authorize(await symmetric.sign(new TextEncoder().encode(SECRET)))).toBeUndefined()
  })

  it('makes the relay fetch keys from nowhere but the address of the operator', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const provider = await serveKeys([{ ...(await exportJWK(publicKey)), kid: 'k1' }])
    const trap = await serveKeys([{ ...(await exportJWK(publicKey)), kid: 'k2' }])
    const { authorize } = setup({ authSecret: [], authJwks: provider.url })
    const token = new SignJWT({ exp: soon(), iss: trap.url }).setProtectedHeader({
      alg: 'ES256',
      kid: 'k2',
      jku: trap.url,
      x5u: trap.url,
    })
    const text = await token.sign(privateKey)
    for (let count = 0; count < 20; count += 1) expect(await authorize(text)).toBeUndefined()
    expect(trap.requests()).toBe(0)
    // A made-up key id does not make the relay ask its provider again and again.
    expect(provider.requests()).toBeLessThanOrEqual(2)
  })

  it('is nobody’s fault when the keys cannot be had', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT({ exp: soon() }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    const { authorize, refusals } = setup({ authSecret: [], authJwks: 'http://127.0.0.1:1/jwks.json' })
    await expect(authorize(token)).rejects.toThrow(KeysUnavailable)
    expect(refusals).toEqual([])
  })
})

describe('a relay with tokens', () => {
  it('P9.4 lets in a good token, with and without an origin, and nothing else', async () => {
    const { url } = await startRelay({ authSecret: [SECRET] })
    const token = await sign({ sub: 'ann', exp: soon() })
    const browser = await connect(url, { token })
    const program = await connect(url, { token, origin: null })
    const without = await connect(url, { origin: null })
    expect(await browser.next('welcome')).toMatchObject({ user: 'ann', expiresIn: expect.any(Number) })
    expect(await program.next('welcome')).toMatchObject({ user: 'ann' })
    expect((await without.closed).code).toBe(4401)
    await expect(connect(url, { token, origin: 'https://evil.example' })).rejects.toThrow('403')
  })

  it('closes with 4503 while tokens cannot be checked, and says why in its log', async () => {
    const warn = vi.fn()
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} }
    const { url, page } = await startRelay({ authJwks: 'http://127.0.0.1:1/jwks.json', logger })
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT({ exp: soon() }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    const visitor = await connect(url, { token })
    const body = JSON.stringify({ v: 1, tab: 'A'.repeat(22), token, signals: [] })
    const headers = { 'Content-Type': 'text/plain', Origin: 'http://localhost' }
    const farewell = await fetch(`${page}signals`, { method: 'POST', body, headers })
    expect((await visitor.closed).code).toBe(4503)
    expect(farewell.status).toBe(503)
    expect(warn.mock.calls.map(([, text]) => text)).toContain('The keys of tokens cannot be fetched from --auth-jwks.')
  })

  it('P10.6 takes what a leaving page posts under no other name than that of the user who sent it', async () => {
    const { url, page } = await startRelay({ authSecret: [SECRET] })
    const bob = await sign({ sub: 'bob', exp: soon() })
    const observer = await connect(url, { token: bob })
    await observer.next('joined')
    const post = async (user: unknown, data: string): Promise<number> => {
      const signals = [{ id: pageId(), signal: 'Saved', data }]
      const body = JSON.stringify({ v: 1, tab: pageId(), token: bob, user, signals })
      const headers = { 'Content-Type': 'text/plain', Origin: 'http://localhost' }
      return (await fetch(`${page}signals`, { method: 'POST', body, headers })).status
    }
    expect([await post('ann', 'of ann'), await post(7.5, 'of nobody'), await post('bob', 'of bob')]).toEqual([
      401, 400, 200,
    ])
    expect(await post(undefined, 'unsaid')).toBe(200)
    expect((await observer.heard(2)).map(({ data, sender }) => [data, sender.user])).toEqual([
      ['of bob', 'bob'],
      ['unsaid', 'bob'],
    ])
  })

  it('is not made with two ways to check a token, or with a secret that can be guessed', async () => {
    await expect(startRelay({ authSecret: [SECRET], authJwks: 'https://id.example/jwks' })).rejects.toThrow(
      'Choose one',
    )
    await expect(startRelay({ authSecret: [SECRET], authorize: () => ({}) })).rejects.toThrow('Choose one')
    await expect(startRelay({ authSecret: ['short'] })).rejects.toThrow('at least 32 characters')
  })
})
