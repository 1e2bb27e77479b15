import { readFileSync } from 'node:fs'

/** What a process holds in memory; only Linux tells. */
export function residentBytes(pid: number | undefined): number {
  if (process.platform !== 'linux') return Number.NaN
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}
