import { call, read } from '../page/dom.js'
import { badOption } from '../option-checks.js'
import {
  type RefreshAction,
  reloadPage,
  replaceElement,
  type ReplaceOptions,
  submitForm,
  type SwapEventDetail,
  type SwapFunction,
} from '../refresh/index.js'
import { refreshByKey, requestRefresh } from '../refresh/refresh-on.js'
import type { RefreshOptions } from '../refresh/refresh-options.js'
import { USER_CONTENT } from '../page/user-content.js'
import type { SignalClient, Stop } from '../signals.js'
import type { SignalDispatch } from './dispatch-signals.js'
import { Attribute, conditionsOf, isIgnored, namesIn, type Report, roomOf } from './attributes.js'

/** How old the HTML of a later element may be (ms): Turbo shows pages that it has prefetched for as long. */
const HTML_AGE = 10_000

/** The attributes that a registration depends on. */
const SETTINGS = [Attribute.Refresh, Attribute.Source, Attribute.Form, Attribute.Swap, Attribute.Where, Attribute.Room]

/** A form itself, because it is submitted; a selector for any other element, because another element may replace it. */
type Target = Element | string

interface Registration {
  /** Stays the same as long as the element exists, whatever its attributes are. */
  readonly key: object
  readonly settings: string
  /** Undefined if the attributes are wrong. */
  readonly room?: string
  readonly stop?: Stop
}

export interface MorphOption {
  /** Returns the function for `data-signal-swap="morph"`, if the page has it. */
  readonly morph?: (() => SwapFunction | undefined) | undefined
}

export interface RefreshElementsOptions {
  readonly client: SignalClient
  readonly options: RefreshOptions & ReplaceOptions & MorphOption
  readonly report: Report
  readonly hasNews: SignalDispatch['hasNews']
}

/**
 * Returns a function that registers a refresh for each of the given elements, ends the others, and returns their rooms. A
 * target keeps its registration as long as its attributes stay the same: an element that is replaced misses nothing. An
 * element that comes back, as libraries show an earlier page again, is refreshed if it has missed a signal; a new one, if its
 * HTML may be older than a signal.
 */
export function refreshElements({
  client,
  options: { origins, headers, fetch, morph, ...options },
  report,
  hasNews,
}: RefreshElementsOptions): (elements: Iterable<Element>) => Set<string> {
  const registrations = new Map<Target, Registration>()
  /** When elements left the page, by their settings. */
  const leftAt = new Map<string, number>()

  /** When the HTML of an element that comes, or comes back, may have been rendered. */
  function htmlTimeOf(element: Element, target: Target, settings: string): number {
    const isPart = typeof target === 'string' && !isPage(element)
    return leftAt.get(settings) ?? (isPart ? performance.now() - HTML_AGE : Infinity)
  }

  function register(element: Element, target: Target, settings: string, before?: Registration): Registration {
    const key = before?.key ?? {}
    try {
      const room = roomOf(element)
      const names = namesIn(element, Attribute.Refresh)
      const stop = refreshByKey(key, names, actionFor(element, target, { origins, headers, fetch, morph }), {
        ...options,
        client,
        room,
        where: conditionsOf(element),
        onError: (error) => report(element, error),
      })
      if (!before && hasNews(room, names, htmlTimeOf(element, target, settings))) requestRefresh(key)
      return { key, settings, room, stop }
    } catch (error) {
      report(element, error)
      return { key, settings }
    }
  }

  function end(target: Target): void {
    registrations.get(target)?.stop?.()
    registrations.delete(target)
  }

  return (elements) => {
    const gone = new Map(registrations)
    const seen = new Set<Target>()
    for (const element of elements) {
      if (isIgnored(element)) continue
      const target = seen.has(targetOf(element)) ? element : targetOf(element)
      const settings = settingsOf(element)
      seen.add(target)
      gone.delete(target)
      const before = registrations.get(target)
      if (before?.settings === settings) continue
      end(target)
      registrations.set(target, register(element, target, settings, before))
    }
    for (const [target, { settings }] of gone) {
      leftAt.set(settings, performance.now())
      end(target)
    }
    return new Set([...registrations.values()].flatMap(({ room }) => room ?? []))
  }
}

/** The response need not repeat the attributes of the element that it replaces. */
export function inheritAttributes({ detail: { old, fresh } }: CustomEvent<SwapEventDetail>): void {
  if (!call(old, 'hasAttribute', Attribute.Refresh) || call(fresh, 'hasAttribute', Attribute.Refresh)) return
  for (const name of SETTINGS) {
    const value = call(old, 'getAttribute', name)
    if (value !== null) call(fresh, 'setAttribute', name, value)
  }
}

/** Returns a selector of the element with this id outside of user content. */
function selectorOf(element: Element): string {
  return `#${CSS.escape(call(element, 'getAttribute', 'id') ?? '')}:not(${USER_CONTENT})`
}

function targetOf(element: Element): Target {
  if (isPage(element)) return element.localName
  const isFound = !(element instanceof HTMLFormElement) && element.id
  return isFound ? selectorOf(element) : element
}

function settingsOf(element: Element): string {
  return JSON.stringify([roomOf(element), ...['id', ...SETTINGS].map((name) => call(element, 'getAttribute', name))])
}

function isPage(element: Element): boolean {
  return element === read(document, 'documentElement') || element === read(document, 'body')
}

function actionFor(
  element: Element,
  target: Target,
  { morph, ...options }: ReplaceOptions & MorphOption,
): RefreshAction {
  if (element instanceof HTMLFormElement) return submitForm(element, options)
  if (isPage(element)) return reloadPage()
  if (typeof target !== 'string') throw badOption('The element needs a unique id, by which the fresh element is found')
  const url = call(element, 'getAttribute', Attribute.Source) ?? undefined
  // Scripts cannot read a page that was opened from a disk.
  const form = call(element, 'getAttribute', Attribute.Form) ?? undefined
  if ((url ?? form) === undefined && location.protocol === 'file:') return reloadPage()
  const isMorphing = call(element, 'getAttribute', Attribute.Swap) === 'morph'
  const swap = isMorphing ? morph?.() : undefined
  if (isMorphing && !swap)
    throw badOption('data-signal-swap="morph" needs signalpost-morph.min.js, or bindHtml({ morph })')
  return replaceElement(target, { ...options, url, form, swap })
}
