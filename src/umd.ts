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

/** What the wrapper of the build knows: whether this is a script tag, not a module of a loader. */
declare const isScriptTag: boolean
/** The module that the wrapper of the build returns. */
declare const module: { exports: unknown }

// One object, because the helpers of the bundler for `export` weigh 270 bytes.
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
