import { call, read } from '../../page/dom.js'
import { isField, isTick } from '../../page/field-content.js'
import { identityOf } from './identity.js'

/** Finds the node of the fresh version of an element that corresponds to a node of the old one. */
export interface Twins {
  find(node: Node): Node | undefined
  /** Same, without twins that only a position suggests: those may belong to another record. */
  findSure(node: Node): Node | undefined
}

type TextOf = (element: Element) => string

const CELL = /^(td|th)$/
const RECORD = /^(tr|li)$/

/**
 * Matches two versions of an element: nodes with a key by their key, others child by child. Children correspond by their
 * own identity, by all that they contain, and by the identities inside; last by position, if there are as many of them.
 */
export function matchTwins(old: Element, fresh: Element): Twins {
  const twins = matchKeys(old, fresh).set(old, fresh)
  const taken = new Set<Node>(twins.values())
  const guesses = new WeakSet<Node>()
  const matched = new WeakSet<Node>()
  const served = new Set(withDescendants(fresh, '*').flatMap((element) => call(element, 'getAttributeNames')))
  const identities = new Map<Element, string>()

  const own: TextOf = (element) => identityOf(element, served)

  const deep: TextOf = (element) =>
    remember(identities, element, () => own(element) + childrenOf(element).map(deep).join(''))

  function find(node: Node): Node | undefined {
    const parent = read(node, 'parentNode')
    if (twins.has(node) || !parent) return twins.get(node)
    const twin = find(parent)
    if (!twin) return undefined
    if (!(node instanceof Element)) return findText(node, parent, twin)
    if (!matched.has(parent)) matchChildren(parent as Element, twin as Element)
    return twins.get(node)
  }

  function matchChildren(parent: Element, twin: Element): void {
    matched.add(parent)
    const positions = new Map([...positionsOf(parent), ...positionsOf(twin)])
    pair(parent, twin, own, true)
    pair(parent, twin, (element) => `${deep(element)} ${element.textContent}`)
    pair(parent, twin, deep, true)
    for (const element of pair(parent, twin, (element) => `${positions.get(element)} ${own(element)}`)) {
      const isOnly = positions.get(element) === '1 of 1' && !RECORD.test(element.localName)
      if (!isOnly && !CELL.test(element.localName)) guesses.add(element)
    }
  }

  /**
   * Pairs the children with equal texts, in order, if both parents have as many left; returns the old ones. A unique text
   * belongs to one child of each parent only.
   */
  function pair(parent: Element, twin: Element, textOf: TextOf, isUnique = false): Element[] {
    const others = group(childrenOf(twin), textOf)
    return [...group(childrenOf(parent), textOf)].flatMap(([text, elements]) => {
      const found = others.get(text) ?? []
      if (isUnique && elements.length + found.length > 2) return []
      const isOpen = (each: Element): boolean => !twins.has(each) && !taken.has(each)
      const [left, right] = [elements.filter(isOpen), found.filter(isOpen)]
      if (left.length !== right.length || differInId(left, right)) return []
      left.forEach((element, index) => {
        const fresh = right[index] as Element
        twins.set(element, fresh)
        taken.add(fresh)
        if (guesses.has(parent)) guesses.add(element)
      })
      return left
    })
  }

  return {
    find,
    findSure(node) {
      const twin = find(node)
      const element = node instanceof Element ? node : read(node, 'parentNode')
      return element && guesses.has(element) ? undefined : twin
    },
  }
}

/** The elements by their name and text; an empty text belongs to no group. */
function group(elements: Element[], textOf: TextOf): Map<string, Element[]> {
  const groups = new Map<string, Element[]>()
  for (const element of elements) {
    const text = textOf(element)
    if (text) remember(groups, `${element.localName} ${text}`, () => []).push(element)
  }
  return groups
}

function positionsOf(parent: Element): [Element, string][] {
  const namesakes = group(childrenOf(parent), () => ' ').values()
  return [...namesakes].flatMap((elements) =>
    elements.map((element, index): [Element, string] => [element, `${index + 1} of ${elements.length}`]),
  )
}

/** The elements of the two versions that have the same id or, outside of rows, the same field name, each only once. */
function matchKeys(old: Element, fresh: Element): Map<Node, Node> {
  const pairs = new Map<Node, Node>()
  const found = findKeys(fresh)
  for (const [key, element] of findKeys(old)) {
    const twin = found.get(key)
    if (element && twin && !pairs.has(element)) pairs.set(element, twin)
  }
  return pairs
}

/** The only element of each key; undefined if there are several. */
function findKeys(root: Element): Map<string, Element | undefined> {
  const keys = new Map<string, Element | undefined>()
  for (const element of withDescendants(root, '[id], [name]')) {
    for (const key of keysOf(element, root)) keys.set(key, keys.has(key) ? undefined : element)
  }
  return keys
}

function keysOf(element: Element, root: Element): string[] {
  // Attributes, because a field called "id" hides the property of a form.
  const [id, name] = ['id', 'name'].map((attribute) => call(element, 'getAttribute', attribute))
  const row = call(element, 'closest', 'tr, li')
  const isNamed = name && isField(element) && !(row && row !== root && call(root, 'contains', row))
  const value = isTick(element) && call(element, 'getAttribute', 'value')
  return [id && `#${id}`, isNamed && `${name} ${value}`].filter(Boolean).map((key) => `${element.localName} ${key}`)
}

/** Whether two elements have different ids. An id on one side only comes from a script. */
function differInId(elements: Element[], others: Element[]): boolean {
  return elements.some((element, index) => {
    const ids = [element, others[index] as Element].map((each) => call(each, 'getAttribute', 'id'))
    return new Set(ids.filter(Boolean)).size > 1
  })
}

/** The text node at the same index, if it has the same text. */
function findText(node: Node, parent: Node, twin: Node): Node | undefined {
  const match = read(twin, 'childNodes')[[...read(parent, 'childNodes')].indexOf(node as ChildNode)]
  return match?.nodeValue === node.nodeValue ? match : undefined
}

function childrenOf(parent: Element): Element[] {
  return [...read(parent, 'children')]
}

function withDescendants(root: Element, selector: string): Element[] {
  return [...(call(root, 'matches', selector) ? [root] : []), ...call(root, 'querySelectorAll', selector)]
}

function remember<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const value = map.has(key) ? (map.get(key) as Value) : create()
  map.set(key, value)
  return value
}
