import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'

/** Descriptors for everything but connections: log, Redis, and Node itself. */
const RESERVE = 100

const CHECK_INTERVAL = 1000
const REPORT_INTERVAL = 60_000

/** The file descriptors of this process. */
export interface Descriptors {
  readonly open: number
  readonly max: number
}

/** Reads the descriptors of this process. Returns `undefined` where the system has no /proc. */
export function readDescriptors(): Descriptors | undefined {
  try {
    const [, soft = ''] = /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    const max = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
    return { open: readdirSync('/proc/self/fd').length, max }
  } catch {
    return undefined
  }
}

/** Returns advice if the process may open fewer descriptors than it needs for its connections. */
export function adviseOnDescriptors(maxConnections: number, max: number): string | undefined {
  const needed = maxConnections + RESERVE
  if (maxConnections === 0 || max >= needed) return undefined
  return `ulimit -n is ${max}, too low for --max-connections ${maxConnections}. Raise it to ${needed} (LimitNOFILE in the systemd unit), or lower --max-connections.`
}

/** Watches for the lack of descriptors until the process ends, and reports it once a minute. */
export function watchDescriptors(onLack: (text: string) => void): void {
  let reportedAt = Number.NEGATIVE_INFINITY
  // Node accepts such connections, closes them at once, and emits no event.
  const timer = setInterval(() => {
    if (performance.now() - reportedAt < REPORT_INTERVAL || hasFreeDescriptor()) return
    reportedAt = performance.now()
    onLack('no file descriptor is free: new connections are closed at once. Raise ulimit -n (LimitNOFILE)')
  }, CHECK_INTERVAL)
  timer.unref()
}

function hasFreeDescriptor(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && ['EMFILE', 'ENFILE'].includes(String(error.code)))
  }
}
