/**
 * Calls `listen` now, and again after `document.open()`, or `document.write()` on a loaded page, which remove all nodes and
 * all listeners of the document and its window. A worker has no document: there the function is called once.
 */
export function keepListening(listen: () => void, signal: AbortSignal): void {
  listen()
  if (!globalThis.document) return
  const observer = new MutationObserver(listen)
  observer.observe(document, { childList: true })
  signal.addEventListener('abort', () => observer.disconnect())
}
