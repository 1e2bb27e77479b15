import { call, read } from './dom.js'
import { onUncancelled } from './uncancelled-event.js'
import { isRefreshNavigating, recordUserNavigation } from './next-page-state.js'

/** How long a navigation counts as pending (ms): a download never loads a page. */
const TIME_LIMIT = 30_000

let pendingUntil = 0

/** Whether a page that the user requested is loading: a refresh would load another page in its place. */
export function isUserNavigating(): boolean {
  return performance.now() < pendingUntil
}

/**
 * Watches navigations by links and forms, and, where the browser has the Navigation API, also by scripts and by the back
 * button.
 */
export function watchNavigation(signal: AbortSignal): void {
  const begin = (target: string, posted?: string): void => {
    if (!/^(_self|_top|_parent)?$/i.test(target)) return
    pendingUntil = performance.now() + TIME_LIMIT
    recordUserNavigation(posted)
  }

  const end = (): void => {
    pendingUntil = 0
  }

  const onClick = ({ ctrlKey, metaKey, shiftKey, altKey }: MouseEvent, path: EventTarget[]): void => {
    const link = path.find((node) => node instanceof Element && read(node as HTMLAnchorElement, 'href')) as
      HTMLAnchorElement | undefined
    if (!link || ctrlKey || metaKey || shiftKey || altKey || link.hasAttribute('download')) return
    const [page, hash] = link.href.toString().split('#')
    const isInside = hash !== undefined && page === withoutHash(location.href)
    // Other schemes open another program or run a script.
    if (/^(https?|file):$/.test(link.protocol) && !isInside) begin(link.target)
  }

  const onSubmit = ({ submitter }: SubmitEvent, [form]: EventTarget[]): void => {
    const attribute = (name: string): string =>
      submitter?.getAttribute(`form${name}`) ?? call(form as Element, 'getAttribute', name) ?? ''
    const method = attribute('method').toLowerCase()
    const url = new URL(attribute('action') || location.href, read(document, 'baseURI'))
    if (method !== 'dialog') begin(attribute('target'), method === 'post' ? url.href : undefined)
  }

  let isCrossDocument = false
  let errorTimer: ReturnType<typeof setTimeout> | undefined

  // Navigations started by a refresh do not count as user navigations.
  const onNavigate = ({ destination, downloadRequest, formData }: NavigateEvent): void => {
    clearTimeout(errorTimer)
    isCrossDocument = !destination.sameDocument
    if (isCrossDocument && downloadRequest === null && !isRefreshNavigating())
      begin('', formData ? destination.url : undefined)
  }

  const onPageShow = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return
    end()
    recordUserNavigation()
  }

  end()
  onUncancelled(document, 'click', onClick, signal)
  onUncancelled(document, 'submit', onSubmit, signal)
  addEventListener('pageshow', onPageShow, { signal })
  const { navigation } = globalThis as { navigation?: Navigation }
  navigation?.addEventListener('navigate', onNavigate, { signal })
  // A cross-document navigation succeeds in this document only if a router of the page has intercepted it.
  navigation?.addEventListener('navigatesuccess', () => isCrossDocument && end(), { signal })
  // The navigation was stopped or is a download. A page that changes its own address meanwhile also causes an error, but
  // another `navigate` follows and clears the timer.
  navigation?.addEventListener('navigateerror', () => void (errorTimer = setTimeout(end)), { signal })
}

function withoutHash(href: string): string | undefined {
  return href.split('#')[0]
}
