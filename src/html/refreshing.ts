import { call, read } from '../page/dom.js'
import { badOption } from '../option-checks.js'
import { type RefreshAction, reloadPage, replaceElement, submitForm } from '../refresh/index.js'
import type { OriginOptions } from '../refresh/allowed-origin.js'
import { refreshPlace } from '../refresh/refresh-on.js'
import type { RefreshOptions } from '../refresh/refresh-options.js'
import { USER_CONTENT } from '../page/user-content.js'
import type { SignalClient, Stop } from '../signals.js'
import { Attribute, conditionsOf, isIgnored, namesIn, type Report, roomOf } from './attributes.js'

/** The attributes that a registration depends on. */
const SETTINGS = [Attribute.Refresh, Attribute.Source, Attribute.Where, Attribute.Room]

/** A form itself, because it is submitted; a selector for any other element, because another element may replace it. */
type Place = Element | string

interface Registration {
  /** Stays the same as long as the element exists, whatever its attributes are. */
  readonly place: object
  readonly settings: string
  /** Undefined if the attributes are wrong. */
  readonly room?: string
  readonly stop?: Stop
}

/**
 * Returns a function that registers a refresh for each of the given elements, ends the others, and returns their rooms. A
 * place keeps its registration as long as its attributes stay the same: an element that is replaced misses nothing.
 */
export function refreshElements(
  client: SignalClient,
  { origins, ...options }: RefreshOptions & OriginOptions,
  report: Report,
): (elements: Iterable<Element>) => Set<string> {
  const registrations = new Map<Place, Registration>()

  function register(element: Element, where: Place, settings: string, place: object): Registration {
    try {
      const room = roomOf(element)
      const stop = refreshPlace(place, namesIn(element, Attribute.Refresh), actionFor(element, where, { origins }), {
        ...options,
        client,
        room,
        where: conditionsOf(element),
        onError: (error) => report(element, error),
      })
      return { place, settings, room, stop }
    } catch (error) {
      report(element, error)
      return { place, settings }
    }
  }

  function end(place: Place): void {
    registrations.get(place)?.stop?.()
    registrations.delete(place)
  }

  return (elements) => {
    const gone = new Set(registrations.keys())
    const seen = new Set<Place>()
    for (const element of elements) {
      if (isIgnored(element)) continue
      const place = seen.has(placeOf(element)) ? element : placeOf(element)
      const settings = settingsOf(element)
      seen.add(place)
      gone.delete(place)
      const before = registrations.get(place)
      if (before?.settings === settings) continue
      end(place)
      registrations.set(place, register(element, place, settings, before?.place ?? {}))
    }
    gone.forEach(end)
    return new Set([...registrations.values()].flatMap(({ room }) => room ?? []))
  }
}

/** A fragment for `data-signal-src` may omit the attributes of the element that it replaces. */
export function inheritAttributes(records: readonly MutationRecord[]): void {
  for (const { removedNodes, target } of records) {
    for (const old of removedNodes) if (old instanceof Element) inherit(old, target)
  }
}

function inherit(old: Element, parent: Node): void {
  if (!call(old, 'matches', `[id][${Attribute.Refresh}][${Attribute.Source}]`)) return
  const fresh = call(document, 'querySelector', selectorOf(old))
  // An element with this id in another place did not replace the old one.
  if (!fresh || read(fresh, 'parentNode') !== parent || call(fresh, 'hasAttribute', Attribute.Refresh)) return
  for (const name of SETTINGS) {
    const value = call(old, 'getAttribute', name)
    if (value !== null) call(fresh, 'setAttribute', name, value)
  }
}

/** Returns a selector of the element with this id outside of user content. */
function selectorOf(element: Element): string {
  return `#${CSS.escape(call(element, 'getAttribute', 'id') ?? '')}:not(${USER_CONTENT})`
}

function placeOf(element: Element): Place {
  if (isPage(element)) return element.localName
  const isFound = !(element instanceof HTMLFormElement) && element.id
  return isFound ? selectorOf(element) : element
}

function settingsOf(element: Element): string {
  return JSON.stringify([roomOf(element), ...SETTINGS.map((name) => call(element, 'getAttribute', name))])
}

function isPage(element: Element): boolean {
  return element === read(document, 'documentElement') || element === read(document, 'body')
}

function actionFor(element: Element, place: Place, options: OriginOptions): RefreshAction {
  if (element instanceof HTMLFormElement) return submitForm(element, options)
  if (isPage(element)) return reloadPage()
  if (typeof place !== 'string') throw badOption('The element needs a unique id, by which the fresh element is found')
  const url = call(element, 'getAttribute', Attribute.Source) ?? undefined
  // Scripts cannot read a page that was opened from a disk.
  return url === undefined && location.protocol === 'file:' ? reloadPage() : replaceElement(place, { ...options, url })
}
