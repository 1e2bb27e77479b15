/**
 * Calls `listen` now, and again after `document.open()`, or `document.write()` on a loaded page, which remove all nodes and
 * all listeners of the document and its window. In a worker only now.
 */
export function keepListening(listen: () => void, signal: AbortSignal): void {
  listen()
  if (!globalThis.document) return
  const observer = new MutationObserver(listen)
  observer.observe(document, { childList: true })
  signal.addEventListener('abort', () => observer.disconnect())
}
