'use client'
import { type RefObject, useRef } from 'react'
import { requireHook } from './require-hook.js'

/** Keeps the value of the last committed render, for later calls. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value)
  // Runs before all other effects, and causes no warning on a server.
  requireHook('useInsertionEffect')(() => {
    latest.current = value
  })
  return latest
}
