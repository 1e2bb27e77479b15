import { createRelay, type Authorize, type Relay, type RelayOptions } from 'signalpost/relay'

const authorize: Authorize = async (token) =>
  token === 'good' ? { user: 'ann', join: (room) => room !== 'vip' } : undefined
const options: RelayOptions = {
  port: 0,
  authorize,
  publishKey: [{ name: 'shop', secret: 's3cret', rooms: ['shop:*'] }],
}
const relay: Relay = createRelay(options)
const { url } = await relay.listen()
await relay.revoke({ user: 'ann' })
await relay.close()
export const isListening: boolean = url.startsWith('ws://')

// @ts-expect-error: there is no such option
createRelay({ prot: 8081 })
