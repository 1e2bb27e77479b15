/** A message of a tab to the hub, which has the connection. Sockets are those of tabs; every id is random. */
export type TabMessage =
  | { readonly type: 'open'; readonly socket: string; readonly page: string }
  | { readonly type: 'send'; readonly hub: string; readonly socket: string; readonly text: string }
  /** `silence`: how long the tab has waited for an answer (ms). */
  | { readonly type: 'close'; readonly socket: string; readonly silence: number }
  | { readonly type: 'probe' }

/** A message of the hub to tabs. Tabs ignore a hub that another one has replaced. */
export type HubMessage =
  | { readonly type: 'ready'; readonly hub: string }
  /** The hub has a new connection. */
  | { readonly type: 'connected'; readonly hub: string }
  | { readonly type: 'opened'; readonly hub: string; readonly socket: string; readonly clients: number }
  /** Texts of the relay, with line breaks between them, for some sockets. */
  | { readonly type: 'texts'; readonly hub: string; readonly sockets: readonly string[]; readonly texts: string }
  | ({ readonly type: 'closed'; readonly hub: string; readonly sockets: readonly string[] } & Ending)
  /** An answer to `probe`, also sent when a socket has ended. */
  | { readonly type: 'present'; readonly hub: string; readonly clients: number }

/** The end of a connection, with the code and the reason of a close frame. */
export interface Ending {
  readonly code: number
  readonly reason: string
}

/** A message of a tab to a SharedWorker. */
export type WorkerMessage =
  | TabMessage
  | { readonly type: 'join'; readonly page: string; readonly name: string; readonly url: string }
  | { readonly type: 'leave'; readonly page: string }

const FROM_TABS: ReadonlySet<string> = new Set<TabMessage['type']>(['open', 'send', 'close', 'probe'])

export function isFromTab(message: TabMessage | HubMessage): message is TabMessage {
  return FROM_TABS.has(message.type)
}
