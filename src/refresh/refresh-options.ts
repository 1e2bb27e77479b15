import type { SignalError } from '../errors.js'
import { badOption, checkFunction, checkName, checkOptions } from '../options.js'
import type { ReceivedSignal, RegisteredSignals, SignalClient, SignalMap, SignalName } from '../signals.js'
import type { Guard } from './action.js'
import type { RefreshTexts } from './indicator/notice.js'

export interface RefreshOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = Sent,
  Name extends SignalName<Received> | '*' = SignalName<Received> | '*',
> {
  /** Whose signals. @default the page's client */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The room to listen to. @default 'main' */
  readonly room?: string | undefined
  /** How long the signals have to be quiet before it runs, in milliseconds. @default 150 */
  readonly wait?: number | undefined
  /** The longest that signals which keep coming put it off, in milliseconds. @default 2000 */
  readonly maxWait?: number | undefined
  /**
   * The shortest time from the start of a run to the start of the next, in milliseconds. Pages that come round to reload each
   * other wait for 2, 4, at last 8 times as long. @default 1000
   */
  readonly minInterval?: number | undefined
  /** `wait`: a page that nobody sees refreshes when it is seen again. @default 'wait' */
  readonly whenHidden?: 'wait' | 'run' | undefined
  /**
   * Whether what the user is doing holds it back, with a hint to click: `true` for what the action could not keep (an
   * edited field, an open dialog), `false` for nothing, or a function that returns true for as long as it has to wait.
   * @default true
   */
  readonly guard?: boolean | Guard | undefined
  /** Each page waits longer, by a random share of this, so that not all ask the server at once, in milliseconds. @default 0 */
  readonly spread?: number | undefined
  /** `others`: not what this page itself sent. @default 'others' */
  readonly from?: 'anyone' | 'others' | undefined
  /** Only signals for which it returns true. A gap in the room refreshes whatever it says. */
  readonly where?: ((signal: ReceivedSignal<Received, Name>) => boolean) | undefined
  /** The element that gets `aria-busy`; `false`: nothing is shown at all. @default the element that the action renews */
  readonly indicator?: Element | false | undefined
  /** What the page says, in another language. */
  readonly texts?: Partial<RefreshTexts> | undefined
  /** Told what goes wrong. @default thrown, in a task of its own, so that the console and error trackers see it */
  readonly onError?: ((error: SignalError) => void) | undefined
}

const OPTIONS = {
  client: 'object',
  room: 'string',
  wait: 'number',
  maxWait: 'number',
  minInterval: 'number',
  whenHidden: 'wait run',
  guard: 'boolean function',
  spread: 'number',
  from: 'anyone others',
  where: 'function',
  indicator: 'object boolean',
  texts: 'object',
  onError: 'function',
}

/** @throws SignalError `bad-option` or `bad-name`. */
export function checkRefresh(
  names: readonly string[],
  action: unknown,
  options: object & { readonly room?: unknown },
): void {
  checkOptions(options, OPTIONS)
  if (names.length === 0) throw badOption('A refresh needs the name of a signal')
  for (const name of names) if (name !== '*') checkName(name)
  if (options.room !== undefined) checkName(options.room)
  checkFunction(action, 'refreshOn()')
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && !(value >= 0)) throw badOption(`The option "${name}" is in milliseconds, from 0`)
  }
}
