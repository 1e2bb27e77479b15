export { bindHtml, type HtmlOptions } from './bind-html.js'
export type { OriginOptions } from '../refresh/allowed-origin.js'
export type { SignalEvent, SignalEventMap } from './dispatch-signals.js'
