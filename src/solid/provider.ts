import { type Accessor, createComponent, createContext, type JSX, useContext } from 'solid-js'
import type { AnyClient } from '../bindings/options.js'

// An accessor, because a context's value itself is read only once.
const ClientContext = /* @__PURE__ */ createContext<Accessor<unknown>>(() => undefined)

export interface SignalProviderProps {
  readonly client: AnyClient
  readonly children?: JSX.Element
}

/**
 * Gives the components inside of it a client of their own. Without a provider they use the page's client, so most
 * applications need none. It never closes the client.
 */
export function SignalProvider(props: SignalProviderProps): JSX.Element {
  return createComponent(ClientContext.Provider, {
    value: () => props.client,
    get children() {
      return props.children
    },
  })
}

/** Returns the present client of the provider, if there is one. SignalRegistry types it, whatever its own map is. */
export function useProvidedClient<Client>(): Accessor<Client | undefined> {
  return useContext(ClientContext) as Accessor<Client | undefined>
}
