import { bindHtml } from './html/index.js'
import { runScriptTag } from './html/script-tag.js'
import {
  createSignalClient,
  defineSignals,
  getPageClient,
  isSignalError,
  nextSignal,
  onPageClient,
  onSignalStatus,
  receiveSignal,
  sendSignal,
  setPageClient,
  SignalError,
  signalStream,
} from './index.js'
import { read } from './page/dom.js'
import { inspectOnQuery } from './inspector/on-query.js'
import { refreshOn, reloadPage, replaceElement, submitForm } from './refresh/index.js'

/** Set by the wrapper of the build: whether a script tag has loaded this file, and not a module loader. */
declare const isScriptTag: boolean
/** Returned by the wrapper of the build. */
declare const module: { exports: unknown }

// One object: the bundler's helpers for `export` take 270 bytes more.
module.exports = {
  bindHtml,
  createSignalClient,
  defineSignals,
  getPageClient,
  isSignalError,
  nextSignal,
  onPageClient,
  onSignalStatus,
  receiveSignal,
  refreshOn,
  reloadPage,
  replaceElement,
  sendSignal,
  setPageClient,
  SignalError,
  signalStream,
  submitForm,
}

if (isScriptTag && globalThis.document) {
  const script = read(document, 'currentScript')
  runScriptTag(script)
  inspectOnQuery(script)
}
