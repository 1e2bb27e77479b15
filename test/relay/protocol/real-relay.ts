import { connect, join, startRelay } from '../protocol-client.js'
import type { SuiteRelay } from './suite.js'

/** The real relay, as the rules see it. */
export async function startRealRelay(
  options?: Parameters<typeof startRelay>[0],
): Promise<SuiteRelay & Awaited<ReturnType<typeof startRelay>>> {
  const started = await startRelay(options)
  return {
    ...started,
    connect: (how) => connect(started.url, how),
    join: (...rooms) => join(started.url, ...rooms),
  }
}
