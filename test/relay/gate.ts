/** A moment that a test decides on. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

export function createGate(): Gate {
  let settle: (() => void) | undefined
  const opened = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { opened, open: () => settle?.() }
}
