import { badOption } from '../options.js'
import { type RefreshAction, reloadPage, replaceElement, submitForm } from '../refresh/index.js'
import { refreshPlace } from '../refresh/refresh-on.js'
import type { RefreshOptions } from '../refresh/refresh-options.js'
import type { SignalClient, Stop } from '../signals.js'
import { Attribute, conditionsOf, namesIn, type Report, roomOf } from './attributes.js'

/** What a registration depends on. */
const SETTINGS = [Attribute.Refresh, Attribute.Source, Attribute.Where, Attribute.Room]

/** A form by itself, because it is submitted; everything else by a selector, because another element may take its place. */
type Place = Element | string

interface Registration {
  /** The same one for as long as the element is there, whatever its attributes say. */
  readonly place: object
  readonly settings: string
  /** None where the attributes were wrong, which is told once. */
  readonly room?: string
  readonly stop?: Stop
}

/**
 * Brings what is registered in line with the elements that have `data-signal-refresh` now, whenever what it returns is called,
 * which returns the rooms that are listened to. A place has one registration for as long as its attributes say the same: an
 * element that is replaced, its own refresh included, misses nothing.
 */
export function refreshElements(
  client: SignalClient,
  options: RefreshOptions,
  report: Report,
): (elements: Iterable<Element>) => Set<string> {
  const registrations = new Map<Place, Registration>()

  function register(element: Element, where: Place, settings: string, place: object): Registration {
    try {
      const room = roomOf(element)
      const stop = refreshPlace(place, namesIn(element, Attribute.Refresh), actionFor(element, where), {
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

/** A fragment that a server sends for `data-signal-src` need not repeat the attributes of the element that it replaces. */
export function inheritAttributes(records: readonly MutationRecord[]): void {
  for (const old of records.flatMap(({ removedNodes }) => [...removedNodes])) {
    if (!(old instanceof Element && old.matches(`[id][${Attribute.Refresh}][${Attribute.Source}]`))) continue
    const fresh = document.getElementById(old.id)
    if (!fresh || fresh.hasAttribute(Attribute.Refresh)) continue
    for (const name of SETTINGS) {
      const value = old.getAttribute(name)
      if (value !== null) fresh.setAttribute(name, value)
    }
  }
}

function placeOf(element: Element): Place {
  if (element.matches('html, body')) return element.localName
  return element.id && !element.matches('form') ? `#${CSS.escape(element.id)}` : element
}

function settingsOf(element: Element): string {
  return JSON.stringify([roomOf(element), ...SETTINGS.map((name) => element.getAttribute(name))])
}

function actionFor(element: Element, place: Place): RefreshAction {
  if (element instanceof HTMLFormElement) return submitForm(element)
  if (element.matches('html, body')) return reloadPage()
  if (typeof place !== 'string')
    throw badOption('Add an id that no other element has: by it the fresh element is found')
  const url = element.getAttribute(Attribute.Source) ?? undefined
  // No script may read a page that was opened from a disk.
  return url === undefined && location.protocol === 'file:' ? reloadPage() : replaceElement(place, { url })
}
