'use client'
import { type RefObject, useInsertionEffect, useRef } from 'react'

/** Keeps the value of the last committed render, for later calls. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value)
  // Runs before all other effects, and causes no warning on a server.
  useInsertionEffect(() => {
    latest.current = value
  })
  return latest
}
