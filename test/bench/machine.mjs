/** What Linux says about processes and this machine. */
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Ticks of /proc per second, on every Linux that Node runs on. */
const TICKS = 100

/** Seconds of CPU that a process has used in all its threads. */
export function cpuSeconds(pid) {
  // The name of the program, which may hold anything, ends with the last parenthesis.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Bytes of memory that a process holds. */
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024
}

/** Open files and sockets of a process. */
export function openFiles(pid) {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** How many files and sockets this process may have open. */
export function mostOpenFiles() {
  return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1])
}

/** The kind of machine, without its name. */
export function describeMachine() {
  const system = /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('-')[0].trim()
  return `${cpus().length} cores, ${system}, Linux ${kernel}, Node ${process.version.slice(1)}`
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The value below which this share of the values lies. */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
