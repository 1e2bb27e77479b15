/** Built-ins that pages name variables after. The script tag keeps those of the time when it was loaded. */
const KEPT = 'URL,Map,Set,WeakMap,Date,performance,Promise,JSON,Object,Symbol,AbortController'

/** Runs in the page: throws where a script has replaced a built-in by something else. A library that wraps one passes. */
function checkBuiltIns(): void {
  let name = 'URL'
  try {
    new URL('/', 'http://a').href.trim()
    name = 'Map'
    new Map([[1, 1]]).get(1)
    name = 'Set'
    new Set([1]).has(1)
    name = 'Date'
    Date.now()
    name = 'performance'
    performance.now()
    name = 'JSON'
    JSON.parse(JSON.stringify(1))
    name = 'Promise'
    void Promise.resolve().then(undefined)
  } catch {
    throw new Error(`The page has replaced ${name}: load signalpost before the script that does.`)
  }
}

/** The first statements of the script-tag build. */
export const KEEP_BUILT_INS = `var {${KEPT}}=globalThis;(${checkBuiltIns.toString()})();`
