/** A moment that a test decides on. */
export interface Latch {
  readonly opened: Promise<void>
  open(): void
}

export function createLatch(): Latch {
  let settle: (() => void) | undefined
  const opened = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { opened, open: () => settle?.() }
}
