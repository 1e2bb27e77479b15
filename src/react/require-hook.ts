'use client'
import * as React from 'react'

/** Returns a hook of React 18. By a computed name: with an older React, bundlers refuse to import it by its own. */
export function requireHook<Name extends 'useInsertionEffect' | 'useSyncExternalStore'>(
  name: Name,
): (typeof React)[Name] {
  const hook = React[name]
  // An older React lacks it, whatever the types say.
  if (!(hook as unknown)) throw new Error(`signalpost/react needs React 18 or later, not ${React.version}.`)
  return hook
}
