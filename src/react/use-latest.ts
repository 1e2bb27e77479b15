'use client'
import { type RefObject, useInsertionEffect, useRef } from 'react'

/** What the last committed render gave, for what is called later. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value)
  // Before all other effects, and without a complaint when rendered on a server.
  useInsertionEffect(() => {
    latest.current = value
  })
  return latest
}
