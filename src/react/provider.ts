'use client'
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react'
import type { AnyClient } from '../bindings/options.js'

const ClientContext = /* @__PURE__ */ createContext<unknown>(undefined)

export interface SignalProviderProps {
  readonly client: AnyClient
  readonly children?: ReactNode
}

/**
 * Provides a client to the components inside. Without a provider they use the page's client, so most applications need no
 * provider. It never closes the client.
 */
export function SignalProvider({ client, children }: SignalProviderProps): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children)
}

/** Returns the client of the provider, if there is one. SignalRegistry types it, whatever its own map is. */
export function useProvidedClient<Client>(): Client | undefined {
  return useContext(ClientContext) as Client | undefined
}
