import { onAct } from './acts.js'
import { noteNavigation } from './next-page.js'

/** How long a page may be on its way, in milliseconds: what is downloaded never comes. */
const TIME_LIMIT = 30_000

let leavesUntil = 0

/** Whether the page that the user has asked for is on its way: another one would be shown in its place. */
export function isUserLeaving(): boolean {
  return performance.now() < leavesUntil
}

/** Notes which page the user asks for, with a link or a form. */
export function watchNavigation(signal: AbortSignal): void {
  const leave = (target: string, posted?: string): void => {
    if (!/^(_self|_top|_parent)?$/i.test(target)) return
    leavesUntil = performance.now() + TIME_LIMIT
    noteNavigation(posted)
  }

  const onClick = ({ ctrlKey, metaKey, shiftKey, altKey }: MouseEvent, path: EventTarget[]): void => {
    const link = path.find((node) => (node as HTMLAnchorElement).href) as HTMLAnchorElement | undefined
    if (!link || ctrlKey || metaKey || shiftKey || altKey || link.hasAttribute('download')) return
    const [page, hash] = link.href.toString().split('#')
    const isInside = hash !== undefined && page === withoutHash(location.href)
    // Others open another program, or run a script.
    if (/^(https?|file):$/.test(link.protocol) && !isInside) leave(link.target)
  }

  const onSubmit = ({ submitter }: SubmitEvent, [form]: EventTarget[]): void => {
    const said = (name: string): string =>
      submitter?.getAttribute(`form${name}`) ?? (form as Element).getAttribute(name) ?? ''
    const method = said('method').toLowerCase()
    const url = new URL(said('action') || location.href, document.baseURI)
    if (method !== 'dialog') leave(said('target'), method === 'post' ? url.href : undefined)
  }

  leavesUntil = 0
  onAct(document, 'click', onClick, signal)
  onAct(document, 'submit', onSubmit, signal)
  addEventListener('pageshow', ({ persisted }) => persisted && (leavesUntil = 0), { signal })
}

function withoutHash(href: string): string | undefined {
  return href.split('#')[0]
}
