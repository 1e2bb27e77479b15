/** Returns the browser's record of the navigation to this page; empty where there is none. */
export function navigationEntry(): Partial<PerformanceNavigationTiming & { readonly deliveryType: string }> {
  // jsdom has no such method.
  return performance.getEntriesByType?.('navigation')[0] ?? {}
}

/**
 * Whether the browser had the HTML before the navigation began: from its cache, from a service worker, or prefetched. A
 * reload without a service worker always asks the server.
 *
 * Source: Resource Timing, `deliveryType`, and `transferSize` where a browser lacks it.
 */
export function isHtmlOlder(): boolean {
  const { type, deliveryType, transferSize, decodedBodySize, workerStart } = navigationEntry()
  return (type !== 'reload' || Boolean(workerStart)) && Boolean(deliveryType || (!transferSize && decodedBodySize))
}
