/** Finds out why no attempt reaches the relay, as far as browsers tell it. */
export interface Diagnosis {
  /** Advice for an error text. */
  advice: string
  /** Asks the address by HTTP: proxies that do not upgrade answer it. */
  probe(): Promise<void>
  stop(): void
}

export function startDiagnosis(url: string): Diagnosis {
  const end = new AbortController()

  function onViolation({ effectiveDirective, disposition, blockedURI }: SecurityPolicyViolationEvent): void {
    // The address may be cut down to its scheme.
    if (effectiveDirective !== 'connect-src' || disposition === 'report' || !url.startsWith(blockedURI)) return
    diagnosis.advice = 'The content policy blocks it: add it to connect-src.'
  }

  const diagnosis: Diagnosis = {
    advice: "Check that it runs, its path, and that it allows this page's origin (--origin).",
    async probe() {
      try {
        const { status } = await fetch(url.replace('ws', 'http'), {
          mode: 'no-cors',
          credentials: 'omit',
          cache: 'no-store',
        })
        diagnosis.advice = `HTTP works (${status}): check the path, --origin, and that the proxy passes on Upgrade.`
      } catch {
        // The network may be down, and a page's own fetch may throw.
      }
    },
    stop: () => end.abort(),
  }

  // Pages and workers have the event, servers do not.
  globalThis.addEventListener?.('securitypolicyviolation', onViolation, { signal: end.signal })
  return diagnosis
}
