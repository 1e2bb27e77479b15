/** Returns the memory of the process (bytes), or 0 while no file descriptor is free to read it. */
export function readMemory(): number {
  try {
    return process.memoryUsage.rss()
  } catch {
    return 0
  }
}
