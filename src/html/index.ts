export { bindHtml, type HtmlOptions } from './bind-html.js'
export type { SignalEvent, SignalEventMap } from './events.js'
