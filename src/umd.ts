import { runScriptTag } from './html/script-tag.js'
import { inspectOnQuery } from './inspector/on-query.js'

export * from './html/index.js'
export * from './index.js'
export * from './refresh/index.js'

/** What the wrapper of the build knows: whether this is a script tag, not a module of a loader. */
declare const isScriptTag: boolean

if (isScriptTag && globalThis.document) {
  runScriptTag(document.currentScript)
  inspectOnQuery(document.currentScript)
}
