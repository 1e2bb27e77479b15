/** What the page shows of its refreshes, in a shadow root of its own: a slim line at the top, and a hint with a button. */

/** The texts that the page shows. */
export interface RefreshTexts {
  /** @default 'This page has changed.' */
  readonly changed: string
  /** @default 'Refresh now' */
  readonly refresh: string
  /** @default 'This page could not be refreshed.' */
  readonly failed: string
  /** @default 'Try again' */
  readonly retry: string
}

export interface NoticeEntry {
  readonly state: 'held' | 'busy' | 'failed'
  readonly texts: RefreshTexts
  readonly refresh: () => void
}

const STYLE = `
:host { all: initial; position: fixed; inset: 0 0 auto; z-index: var(--signalpost-layer, 2147483647); pointer-events: none }
[hidden] { display: none !important }
.line { height: var(--signalpost-height, 3px); background: var(--signalpost-color, #2563eb);
  transform-origin: 0; animation: grow 8s ease-out forwards }
.failed { background: var(--signalpost-failed-color, #c2410c); animation: none }
.hint { position: fixed; inset: auto 1rem 1rem; width: fit-content; margin: auto; display: flex; gap: 1rem; align-items: center;
  padding: 0.5rem 0.5rem 0.5rem 1rem; border: 1px solid; border-radius: 0.5rem; pointer-events: auto;
  color: var(--signalpost-text, #fff); background: var(--signalpost-background, #1f2937);
  font: var(--signalpost-font, 14px system-ui, sans-serif) }
.button { font: inherit; color: inherit; background: none; border: 1px solid; border-radius: 0.25rem; padding: 0.25rem 0.75rem;
  cursor: pointer; white-space: nowrap }
@keyframes grow { from { transform: scaleX(0) } to { transform: scaleX(0.95) } }
@media (prefers-reduced-motion: reduce) { .line { animation: none } }
`

/** One for each registration that has something to show. */
const entries = new Map<object, NoticeEntry>()

/** How long a new status region has to be there before its text is read out, in milliseconds. */
const REGION_DELAY = 100

const DIALOG_EVENTS = ['toggle', 'close']

let shown: ReturnType<typeof createNotice> | undefined

/** Shows an entry in place of the owner's last one; without an entry, no longer. */
export function notify(owner: object, entry?: NoticeEntry): void {
  entries.delete(owner)
  if (entry) entries.set(owner, entry)
  if (entries.size > 0) {
    shown ??= createNotice()
    return shown.render()
  }
  shown?.remove()
  shown = undefined
}

function createNotice() {
  const host = document.createElement('signalpost-notice')
  const root = host.attachShadow({ mode: 'open' })
  const style = new CSSStyleSheet()
  style.replaceSync(STYLE)
  root.adoptedStyleSheets = [style]
  const line = add(root, 'div', 'line')
  const region = add(root, 'div', 'region')
  const hint = add(region, 'div', 'hint')
  const text = add(hint, 'span', 'text')
  const button = add(hint, 'button', 'button')
  let timer: ReturnType<typeof setTimeout> | undefined
  region.setAttribute('role', 'status')
  button.addEventListener('click', () => {
    for (const { refresh } of asking()) refresh()
  })

  /** Those that the hint is about: who waits for the user comes before who failed. */
  function asking(): NoticeEntry[] {
    const by = (wanted: string): NoticeEntry[] => [...entries.values()].filter(({ state }) => state === wanted)
    return by('held').length > 0 ? by('held') : by('failed')
  }

  function render(): void {
    const states = [...entries.values()].map(({ state }) => state)
    const [first] = asking()
    const isNew = !host.isConnected
    clearTimeout(timer)
    if (isNew) timer = setTimeout(render, REGION_DELAY)
    line.hidden = !states.some((state) => state !== 'held')
    line.classList.toggle('failed', !states.includes('busy'))
    hint.hidden = !first || isNew
    text.textContent = (first?.state === 'held' ? first.texts.changed : first?.texts.failed) ?? ''
    button.textContent = (first?.state === 'held' ? first.texts.refresh : first?.texts.retry) ?? ''
    place()
  }

  function place(): void {
    // What is outside of a modal dialog cannot be clicked.
    const parent = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body ?? document.documentElement
    if (host.parentNode !== parent) parent.append(host)
  }

  for (const type of DIALOG_EVENTS) document.addEventListener(type, place, true)

  return {
    render,
    remove() {
      clearTimeout(timer)
      for (const type of DIALOG_EVENTS) document.removeEventListener(type, place, true)
      host.remove()
    },
  }
}

function add<Name extends keyof HTMLElementTagNameMap>(
  parent: Node,
  name: Name,
  part: string,
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  element.className = part
  element.setAttribute('part', part)
  parent.appendChild(element)
  return element
}
