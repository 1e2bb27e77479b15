import { call, read } from '../../page/dom.js'

/** Only elements inside a modal dialog can be clicked. A browser without `:modal` finds none. */
const MODAL = 'dialog:is(:modal)'

/** The texts of the hint. */
export interface RefreshTexts {
  /** @default 'This page has changed.' */
  readonly changed: string
  /** @default 'Refresh now' */
  readonly refresh: string
  /** @default 'A refresh would discard your changes.' */
  readonly loss: string
  /** @default 'Refresh anyway' */
  readonly discard: string
  /** @default 'This page could not be refreshed.' */
  readonly failed: string
  /** @default 'Try again' */
  readonly retry: string
}

/** The notice of one registration: a busy line, or a hint with a button. */
export interface NoticeEntry {
  readonly state: 'busy' | 'held' | 'loss' | 'failed'
  readonly text?: string
  readonly label?: string
  /** Receives the time of the click as `performance.now()`. */
  readonly refresh: (at: number) => void
}

const STYLE = `
:host { all: initial; position: fixed; inset: 0 0 auto; z-index: var(--signalpost-layer, 2147483646); pointer-events: none }
.line { height: var(--signalpost-height, 3px); background: var(--signalpost-color, #2563eb) }
.failed { background: var(--signalpost-failed-color, #c2410c) }
.hint:not([hidden]) { position: fixed; inset: auto 1rem 1rem; width: fit-content; margin: auto; padding: 0.5rem 1rem;
  display: flex; gap: 1rem; align-items: baseline; border: 1px solid; border-radius: 0.5rem; pointer-events: auto;
  color: var(--signalpost-text, #fff); background: var(--signalpost-background, #1f2937);
  font: var(--signalpost-font, 14px system-ui, sans-serif) }
.button { font: inherit; cursor: pointer }
@media (pointer: coarse) { .button { min-height: 40px } }
@media print { :host { display: none } }
@media (prefers-reduced-motion: no-preference) { .line:not(.failed) { animation: grow 8s ease-out; transform-origin: 0 } }
@keyframes grow { from { transform: scaleX(0) } }
`

/** How long a new status region must exist before screen readers announce its text (ms). */
const REGION_DELAY = 100

/** The notices of all registrations, by owner. */
const entries = new Map<object, NoticeEntry>()

let shown: ReturnType<typeof createNotice> | undefined

/** Shows an owner's notice in place of the last one, as a line at the top or a hint; without an entry, removes it. */
export function showNotice(owner: object, entry?: NoticeEntry): void {
  if (entry) entries.set(owner, entry)
  else entries.delete(owner)
  if (entries.size > 0) {
    shown ??= createNotice()
    return shown.render()
  }
  shown?.remove()
  shown = undefined
}

function createNotice() {
  const host = call(document, 'createElement', 'signalpost-notice')
  const root = host.attachShadow({ mode: 'open' })
  const style = new CSSStyleSheet()
  style.replaceSync(STYLE)
  root.adoptedStyleSheets = [style]
  const line = add(root, 'div', 'line')
  const region = add(root, 'div', 'region')
  const hint = add(region, 'div', 'hint')
  const text = add(hint, 'span', 'text')
  const button = add(hint, 'button', 'button')
  const timer = setTimeout(render, REGION_DELAY)
  const controller = new AbortController()
  let hinted: NoticeEntry | undefined
  region.setAttribute('role', 'status')
  button.addEventListener('click', () => {
    const now = performance.now()
    const matching = [...entries.values()].filter(({ state }) => state === hinted?.state)
    for (const { refresh } of matching) refresh(now)
  })

  function render(): void {
    const all = [...entries.values()]
    const find = (wanted: NoticeEntry['state']): NoticeEntry | undefined => all.find(({ state }) => state === wanted)
    // A held refresh comes before a failed one.
    hinted = find('held') ?? find('loss') ?? find('failed')
    line.hidden = !find('busy') && !find('failed')
    line.classList.toggle('failed', !find('busy'))
    hint.hidden = !hinted || !host.isConnected
    text.textContent = hinted?.text ?? ''
    button.textContent = hinted?.label ?? ''
    attach()
  }

  function attach(): void {
    // Elements outside a modal dialog cannot be clicked.
    const parent =
      [...call(document, 'querySelectorAll', MODAL)].at(-1) ??
      read(document, 'body') ??
      read(document, 'documentElement')
    if (host.parentNode !== parent) parent.append(host)
  }

  for (const type of ['toggle', 'close']) {
    call(document, 'addEventListener', type, attach, { capture: true, signal: controller.signal })
  }

  return {
    render,
    remove() {
      clearTimeout(timer)
      controller.abort()
      host.remove()
    },
  }
}

function add<Name extends keyof HTMLElementTagNameMap>(
  parent: Node,
  name: Name,
  part: string,
): HTMLElementTagNameMap[Name] {
  const element = call(document, 'createElement', name) as HTMLElementTagNameMap[Name]
  element.className = part
  element.setAttribute('part', part)
  parent.appendChild(element)
  return element
}
