import { call } from '../page/dom.js'
import { keepListening } from '../page/keep-listening.js'
import { onUncancelled } from '../page/uncancelled-event.js'

/** How soon after `form.submit()` the browser asks whether it may leave the page (ms). After `new FormData()` it never asks. */
const SUBMIT_TIME = 50

/** How soon after a click Turbo submits a hidden form for a link (ms). */
const TURBO_TIME = 1000

const NATIVE = ['click', 'auxclick', 'submit']

/** Dispatched by libraries that cancel a click or a submit, and request the server: Turbo, rails-ujs, htmx 2 and 4, Unpoly. */
const REQUESTS = [
  'turbo:submit-start',
  'ajax:send',
  'htmx:beforeRequest',
  'htmx:before:request',
  'up:form:submit',
  'up:link:follow',
]

/**
 * Calls `onInteraction` once for each element that a click or a submit concerns, when the browser, or a library in its place, is
 * about to act. Scripts that call `form.submit()` cause no submit event, but `formdata`.
 *
 * @param isWatched Whether an element is one of those that `onInteraction` is for.
 */
export function watchInteractions(
  root: Document | Element,
  isWatched: (node: EventTarget | null | undefined) => node is Element,
  onInteraction: (element: Element) => void,
  signal: AbortSignal,
): void {
  /** The events of the present interaction, with their paths: handlers of clicks submit forms. */
  let current = new Map<Event, EventTarget[]>()
  let done = new Set<Element>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function elementsOf(event: Event, path: EventTarget[]): Element[] {
    if (!(event instanceof MouseEvent)) return [(event as SubmitEvent).submitter, path[0]].filter(isWatched)
    const element = path.find(isWatched)
    return !element || element instanceof HTMLFormElement ? [] : [element]
  }

  function perform(elements: Element[]): void {
    for (const element of elements) {
      if (done.has(element)) continue
      done.add(element)
      onInteraction(element)
    }
  }

  // Libraries read the data of forms that they do not submit.
  function performAll(leaving?: Event): void {
    for (const each of current) if (leaving || each[0].type !== 'formdata') perform(elementsOf(...each))
  }

  function endSubmit(): void {
    clearTimeout(timer)
    removeEventListener('beforeunload', performAll)
  }

  function begin(event: Event): void {
    const path = event.composedPath()
    const isFormData = event.type === 'formdata'
    if (![...current].some((each) => isInside(event, each))) {
      endSubmit()
      current = new Map()
      done = new Set()
    }
    current.set(event, path)
    // A refresh submits the form: two pages would trigger each other for ever.
    if (path[0] instanceof Element && call(path[0], 'hasAttribute', 'data-signal-refreshing'))
      for (const element of elementsOf(event, path)) done.add(element)
    if (!isFormData) return
    addEventListener('beforeunload', performAll, { signal })
    clearTimeout(timer)
    // Twice, because the timer of a busy page is due before the browser asks.
    timer = setTimeout(() => (timer = setTimeout(endSubmit, SUBMIT_TIME)), SUBMIT_TIME)
  }

  function onNative(event: Event, path: EventTarget[]): void {
    if (event.type === 'submit') performAll()
    else perform(elementsOf(event, path).filter((element) => isNativeClick(event as MouseEvent, element)))
  }

  function onRequest({ target }: Event): void {
    const isPart = [...current].some(
      ([event, path]) =>
        path[0] === target || elementsOf(event, path).some((element) => call(element, 'contains', target as Node)),
    )
    if (isPart) performAll()
  }

  keepListening(() => {
    for (const type of [...NATIVE, 'formdata']) call(root, 'addEventListener', type, begin, { capture: true, signal })
    // Frames of Turbo cancel it, and request the server.
    call(root, 'addEventListener', 'turbo:click', onRequest, { signal })
  }, signal)
  for (const type of NATIVE) onUncancelled(root, type, onNative, signal)
  for (const type of REQUESTS) onUncancelled(root, type, onRequest, signal)
  signal.addEventListener('abort', () => clearTimeout(timer))
}

/** Whether an event belongs to the interaction of an earlier one. */
function isInside({ type, target, timeStamp }: Event, [before, [form]]: [Event, EventTarget[]]): boolean {
  if (before.eventPhase) return true
  if (type === 'formdata') return before.type === 'submit' && form === target
  // Turbo submits a link by a hidden form, in the next frame.
  return (
    type === 'submit' && call(target as Element, 'hasAttribute', 'hidden') && timeStamp - before.timeStamp < TURBO_TIME
  )
}

/** Whether the browser does anything at a click but to submit a form, which a click does only when the form is valid. */
function isNativeClick({ type, button }: MouseEvent, element: Element): boolean {
  // The middle button opens links, and does nothing on other elements.
  if (type !== 'click') return button === 1 && call(element, 'matches', '[href]')
  const { form, type: kind } = element as HTMLButtonElement
  return !(form && /^(submit|image)$/.test(kind))
}
