import type { Stop } from '../signals.js'

/** Makes something that many need run once: the first call starts it, and the last stop ends it. */
export function shareStart(start: () => Stop): () => Stop {
  let users = 0
  let stop: Stop | undefined
  return () => {
    let isStopped = false
    users += 1
    stop ??= start()
    return () => {
      if (isStopped) return
      isStopped = true
      users -= 1
      if (users > 0) return
      stop?.()
      stop = undefined
    }
  }
}
