import type { AppendResult, NewEntry, SignalLog } from '../../examples/relay/signal-log/log.js'

/** Appends one signal, and gives its result. */
export async function appendOne(log: Pick<SignalLog, 'append'>, entry: NewEntry): Promise<AppendResult | undefined> {
  const [result] = await log.append([entry])
  return result
}
