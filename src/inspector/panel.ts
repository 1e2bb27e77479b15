import type { Stop } from '../signals.js'
import { type Counters, type Line, MAX_LINES, type SignalRecord, timeOf, toReport } from './record.js'
import { STYLE } from './style.js'

export interface Panel {
  /** Shows new lines and counts in the next animation frame. */
  update(): void
  remove: Stop
}

const LABELS: { readonly [Name in keyof Counters]: string } = {
  sent: 'Sent',
  accepted: 'Accepted',
  waiting: 'Waiting',
  failed: 'Failed',
  received: 'Received',
  coalesced: 'Coalesced',
  held: 'Held back',
  gaps: 'Gaps',
}

/** Builds the panel in a shadow root, apart from the styles, scripts and forms of the page. Texts never become HTML. */
export function createPanel(record: SignalRecord, onClose: () => void): Panel {
  const host = document.createElement('signalpost-inspector')
  const root = host.attachShadow({ mode: 'open' })
  const style = new CSSStyleSheet()
  style.replaceSync(STYLE)
  root.adoptedStyleSheets = [style]

  const withData = create('input', { type: 'checkbox' })
  const close = create('button', { type: 'button', textContent: 'Close' })
  const copy = create('button', { type: 'button', textContent: 'Copy report' })
  const told = create('span')
  const report = create('textarea', { readOnly: true, hidden: true })
  const counts = Object.entries(LABELS).map(([name, label]) => {
    const value = create('dd')
    return { name: name as keyof Counters, value, row: create('div', {}, create('dt', { textContent: label }), value) }
  })
  const list = create('ol')
  const timeline = create('details', { open: true }, create('summary', { textContent: 'Timeline' }), list)
  const panel = create(
    'section',
    { className: 'panel' },
    create('header', {}, create('h2', { textContent: 'Signals' }), copy, close),
    create('dl', {}, ...counts.map(({ row }) => row)),
    timeline,
    create('footer', {}, create('label', {}, withData, 'Show data'), told),
    report,
  )

  // Some browsers lack the properties of these attributes.
  told.setAttribute('role', 'status')
  report.setAttribute('aria-label', 'Report')
  panel.setAttribute('aria-label', 'Signal inspector')

  let shown = 0
  let frame: number | undefined
  let focusedBefore: EventTarget | null = null

  function update(): void {
    frame ??= requestAnimationFrame(render)
  }

  function render(): void {
    frame = undefined
    for (const { name, value } of counts) value.textContent = String(record.counters[name])
    const isAtEnd = timeline.scrollTop + timeline.clientHeight >= timeline.scrollHeight - 8
    const fresh = Math.min(record.noted - shown, record.lines.length)
    if (fresh > 0) list.append(...record.lines.slice(-fresh).map(toItem))
    shown = record.noted
    for (; list.childElementCount > MAX_LINES; list.firstElementChild?.remove());
    if (isAtEnd) timeline.scrollTop = timeline.scrollHeight
  }

  function toItem(line: Line): HTMLElement {
    const time = create('time', { dateTime: new Date(line.at).toISOString(), textContent: timeOf(line) })
    const item = create('li', { className: line.kind }, time, ` ${line.kind}: ${line.text}`)
    if (withData.checked && line.data !== undefined) item.append(create('code', { textContent: line.data }))
    return item
  }

  async function copyReport(): Promise<void> {
    const text = toReport(record, withData.checked)
    try {
      await navigator.clipboard.writeText(text)
      report.hidden = true
      told.textContent = 'Copied.'
    } catch {
      // Not allowed here: the user can copy the text.
      report.hidden = false
      report.value = text
      report.focus()
      report.select()
      told.textContent = 'Copy the selected text.'
    }
  }

  withData.addEventListener('change', () => {
    list.replaceChildren()
    shown = 0
    render()
  })
  copy.addEventListener('click', () => void copyReport())
  close.addEventListener('click', onClose)
  root.addEventListener('keydown', (event) => {
    if ((event as KeyboardEvent).key !== 'Escape') return
    event.stopPropagation()
    onClose()
  })
  host.addEventListener('focusin', ({ relatedTarget }) => (focusedBefore = relatedTarget))
  root.append(panel)
  ;(document.body ?? document.documentElement).append(host)
  render()

  return {
    update,
    remove() {
      const hadFocus = document.activeElement === host
      if (frame !== undefined) cancelAnimationFrame(frame)
      host.remove()
      if (hadFocus && focusedBefore instanceof HTMLElement) focusedBefore.focus()
    },
  }
}

function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}
