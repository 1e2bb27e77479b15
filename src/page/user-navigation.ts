import { call, read } from './dom.js'
import { onAct } from './uncancelled-event.js'
import { isLeavingByItself, noteNavigation } from './page-state.js'

/** How long a page may be on its way, in milliseconds: what is downloaded never comes. */
const TIME_LIMIT = 30_000

let leavesUntil = 0

/** Whether the page that the user has asked for is on its way: another one would be shown in its place. */
export function isUserLeaving(): boolean {
  return performance.now() < leavesUntil
}

/**
 * Notes which page is asked for by a link or a form, and, where the browser tells of it (Navigation API), also by a script or
 * the way back.
 */
export function watchNavigation(signal: AbortSignal): void {
  const leave = (target: string, posted?: string): void => {
    if (!/^(_self|_top|_parent)?$/i.test(target)) return
    leavesUntil = performance.now() + TIME_LIMIT
    noteNavigation(posted)
  }

  const onClick = ({ ctrlKey, metaKey, shiftKey, altKey }: MouseEvent, path: EventTarget[]): void => {
    const link = path.find((node) => node instanceof Element && read(node as HTMLAnchorElement, 'href')) as
      HTMLAnchorElement | undefined
    if (!link || ctrlKey || metaKey || shiftKey || altKey || link.hasAttribute('download')) return
    const [page, hash] = link.href.toString().split('#')
    const isInside = hash !== undefined && page === withoutHash(location.href)
    // Others open another program, or run a script.
    if (/^(https?|file):$/.test(link.protocol) && !isInside) leave(link.target)
  }

  const onSubmit = ({ submitter }: SubmitEvent, [form]: EventTarget[]): void => {
    const said = (name: string): string =>
      submitter?.getAttribute(`form${name}`) ?? call(form as Element, 'getAttribute', name) ?? ''
    const method = said('method').toLowerCase()
    const url = new URL(said('action') || location.href, read(document, 'baseURI'))
    if (method !== 'dialog') leave(said('target'), method === 'post' ? url.href : undefined)
  }

  let isAway = false
  let failing: ReturnType<typeof setTimeout> | undefined

  // What a refresh asks for is no wish of the user.
  const onNavigate = ({ destination, downloadRequest, formData }: NavigateEvent): void => {
    clearTimeout(failing)
    isAway = !destination.sameDocument
    if (isAway && downloadRequest === null && !isLeavingByItself()) leave('', formData ? destination.url : undefined)
  }

  const stay = (): void => {
    leavesUntil = 0
  }

  const comeBack = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return
    stay()
    noteNavigation()
  }

  stay()
  onAct(document, 'click', onClick, signal)
  onAct(document, 'submit', onSubmit, signal)
  addEventListener('pageshow', comeBack, { signal })
  const { navigation } = globalThis as { navigation?: Navigation }
  navigation?.addEventListener('navigate', onNavigate, { signal })
  // Of a navigation to elsewhere, told only where a router of the page has taken the place of the browser.
  navigation?.addEventListener('navigatesuccess', () => isAway && stay(), { signal })
  // It was stopped, or is a download; or the page changes its own address on the way, which fails nothing.
  navigation?.addEventListener('navigateerror', () => void (failing = setTimeout(stay)), { signal })
}

function withoutHash(href: string): string | undefined {
  return href.split('#')[0]
}
