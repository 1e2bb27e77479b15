import type { SignalError } from '../errors.js'
import { badOption, checkFunction, checkName, checkOptions } from '../option-checks.js'
import type { JsonifyMap, ReceivedSignal, RegisteredSignals, SignalClient, SignalMap, SignalName } from '../signals.js'
import type { Guard } from './action.js'
import type { RefreshTexts } from './indicator/notice.js'

export interface RefreshOptions<
  Sent extends SignalMap = RegisteredSignals,
  Received extends SignalMap = JsonifyMap<Sent>,
  Name extends SignalName<Received> | '*' = SignalName<Received> | '*',
> {
  /** The client that receives the signals. @default the page's client */
  readonly client?: SignalClient<Sent, Received> | undefined
  /** The room to listen to. @default 'main' */
  readonly room?: string | undefined
  /** The pause after the last signal before the action runs (ms). @default 150 */
  readonly wait?: number | undefined
  /** The longest delay while signals keep arriving (ms). @default 2000 */
  readonly maxWait?: number | undefined
  /**
   * The minimum time between the starts of two runs (ms). In a reload loop, pages wait 2, 4 and finally 8 times as
   * long. @default 1000
   */
  readonly minInterval?: number | undefined
  /** `wait`: a hidden page refreshes when it becomes visible. @default 'wait' */
  readonly whenHidden?: 'wait' | 'run' | undefined
  /**
   * Whether the refresh waits for the user and shows a hint to click. `true`: while the action would discard an edited
   * field or an open dialog; `false`: never; a function: while the function returns true.
   * @default true
   */
  readonly guard?: boolean | Guard | undefined
  /** Each page waits a random share of this longer, so that the requests do not reach the server at once (ms). @default 0 */
  readonly spread?: number | undefined
  /** `others`: ignores signals that this page sent. @default 'others' */
  readonly from?: 'anyone' | 'others' | undefined
  /** Only signals for which the function returns true cause a refresh. A gap in the room always does. */
  readonly where?: ((signal: ReceivedSignal<Received, Name>) => boolean) | undefined
  /** The element that gets `aria-busy`; `false` shows nothing. @default the element that the action renews */
  readonly indicator?: Element | false | undefined
  /** The texts of the hint, for example in another language. */
  readonly texts?: Partial<RefreshTexts> | undefined
  /** Receives the errors. @default throws them in a microtask, so that the console and error trackers see them */
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
    if (typeof value === 'number' && !(value >= 0)) throw badOption(`"${name}" must be 0 or more milliseconds`)
  }
}
