import { createHash, timingSafeEqual } from 'node:crypto'

/** What the holder of a token may do. What is not said is allowed. */
export interface Rights {
  /** The user that the relay stamps on the signals. */
  readonly user?: string
  /** When the rights end, in epoch milliseconds. */
  readonly expires?: number
  readonly join?: (room: string) => boolean
  readonly send?: (room: string, name: string) => boolean
}

/** Turns a token into rights, or into `undefined` when it is not a good one. A throw means trouble, not refusal. */
export type Authorize = (token: string) => Rights | undefined | Promise<Rights | undefined>

/** A secret with which a backend publishes, and the name that it shows as `sender.server`. */
export interface PublishKey {
  readonly name: string
  readonly secret: string
}

export interface AccessOptions {
  /** The address that the relay is bound to. */
  readonly host: string
  /** Origins that are allowed beside the page's own host and this machine. */
  readonly origins: readonly string[]
  /** Lets in clients that send no Origin header, which browsers always do. */
  readonly isOpen: boolean
  readonly publishKeys: readonly PublishKey[]
  readonly authorize?: Authorize | undefined
}

export interface Access {
  /** Says why a request with these headers may not come in, or nothing. */
  refuse(origin: string | undefined, host: string | undefined): string | undefined
  /** The rights of a token; `undefined` when the token is missing where one is needed, or not good. */
  rightsOf(token: string | undefined): Promise<Rights | undefined>
  readonly hasPublishKeys: boolean
  /** The name of the key in an Authorization header. */
  publisher(authorization: string | undefined): string | undefined
}

/** Decides who comes in, and as whom. */
export function createAccess({ host, origins, isOpen, publishKeys, authorize }: AccessOptions): Access {
  const allowed = new Set(origins)
  const keys = publishKeys.map(({ name, secret }) => ({ name, digest: sha256(secret) }))

  function isSameHost(page: string, target: string | undefined): boolean {
    const relay = hostnameOf(`http://${target ?? ''}`)
    if (page !== relay) return false
    // A name that somebody else's DNS points to this machine must not pass for the machine itself.
    return !isLoopback(host) || isLoopback(relay)
  }

  return {
    refuse(origin, target) {
      if (origin === undefined) return isOpen || authorize ? undefined : NO_ORIGIN
      if (allowed.has(origin)) return undefined
      const page = isWebOrigin(origin) ? hostnameOf(origin) : undefined
      if (page !== undefined && (isLoopback(page) || isSameHost(page, target))) return undefined
      return `This origin is not allowed. If it is yours, start the relay with --origin ${clean(origin)}`
    },

    async rightsOf(token) {
      if (!authorize) return {}
      const rights = token === undefined ? undefined : await authorize(token)
      return rights?.expires !== undefined && rights.expires <= Date.now() ? undefined : rights
    },

    hasPublishKeys: keys.length > 0,

    publisher(authorization) {
      const [scheme, secret] = authorization?.split(' ') ?? []
      if (scheme?.toLowerCase() !== 'bearer' || !secret) return undefined
      const digest = sha256(secret)
      return keys.find((key) => timingSafeEqual(key.digest, digest))?.name
    },
  }
}

/** The public name of a page: a hash of its secret, so that nobody can pass for another page. */
export function publicTab(secret: string): string {
  return sha256(secret).toString('base64url').slice(0, 16)
}

/** Whether a host name or address means this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

const NO_ORIGIN =
  'Without an Origin header this is not a browser. Start the relay with --open if such clients may come in without a token.'

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isWebOrigin(origin: string): boolean {
  return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

function clean(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x21-\x7e]/g, '?')
}
