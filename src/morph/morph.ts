import morphdom from './morphdom.js'
import type { SwapContext, SwapFunction } from '../refresh/index.js'

/** The HTML that the server sent for each element, as elements: scripts may have changed the elements of the page since. */
const served = new WeakMap<Element, Element>()

/**
 * Changes an element into a fresh version of it. Elements of both versions stay, with their listeners and widgets. What
 * only scripts have changed since the last response stays too, if the server did not change it: attributes, texts, and
 * elements that scripts have added.
 */
export const morph: SwapFunction = Object.assign(morphInto, {
  prepare(element: Element) {
    if (document.readyState === 'loading') {
      // Before the scripts of the page that wait for the same event.
      addEventListener('DOMContentLoaded', () => morph.prepare?.(element), { capture: true, once: true })
    } else if (!served.has(element)) served.set(element, element.cloneNode(true) as Element)
  },
})

function morphInto(old: Element, fresh: Element, context: SwapContext): void {
  const base = served.get(old)
  served.set(old, fresh.cloneNode(true) as Element)
  const baseOf = base ? context.match(old, base).find : () => undefined
  const untouched = new Set<Node>([...context.kept.keys(), ...context.edited])
  morphdom(old, fresh, {
    getNodeKey: createKeys(old, fresh, context),
    onBeforeElUpdated(from, to) {
      if (untouched.has(from)) return false
      const before = baseOf(from)
      if (before instanceof Element) keepChanges(from, to, before)
      return true
    },
    // Elements without a version in the last response come from scripts.
    onBeforeNodeDiscarded: (node) => !(base && node instanceof Element && !baseOf(node)),
  })
}

/** Gives each pair of corresponding elements a key, and each other element a key of its own. */
function createKeys(old: Element, fresh: Element, { find }: SwapContext): (node: Node) => string | undefined {
  const keys = new Map<Node, string>()
  const add = (key: string, ...nodes: Node[]): void => {
    for (const node of nodes) if (!keys.has(node)) keys.set(node, key)
  }
  for (const [index, element] of all(old).entries()) {
    const twin = find(element)
    add(`${index}`, element, ...(twin ? [twin] : []))
  }
  for (const [index, element] of all(fresh).entries()) add(`fresh ${index}`, element)
  return (node) => keys.get(node)
}

/** Writes into the fresh element what scripts have changed and the server has not. */
function keepChanges(from: Element, to: Element, before: Element): void {
  for (const name of new Set([...from.getAttributeNames(), ...to.getAttributeNames()])) {
    if (to.getAttribute(name) !== before.getAttribute(name)) continue
    const value = from.getAttribute(name)
    if (value === null) to.removeAttribute(name)
    else to.setAttribute(name, value)
  }
  if (hasTextOnly(from) && hasTextOnly(to) && to.textContent === before.textContent) to.textContent = from.textContent
}

function hasTextOnly({ childNodes }: Element): boolean {
  return [...childNodes].every(({ nodeType }) => nodeType === Node.TEXT_NODE)
}

function all(element: Element): Element[] {
  return [element, ...element.querySelectorAll('*')]
}
