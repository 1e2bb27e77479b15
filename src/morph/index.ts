import { type RefreshAction, replaceElement, type ReplaceOptions } from '../refresh/index.js'
import { morph } from './morph.js'

export { morph } from './morph.js'

/**
 * Same as `replaceElement`, but changes the present element where the fetched one differs from it. Elements that both have
 * stay, with their listeners and widgets: open accordions, tabs and tooltips survive.
 *
 * @throws SignalError `bad-option`.
 * @example refreshOn('ReportIncome', morphElement('#report'))
 */
export function morphElement(target: Element | string, options: Omit<ReplaceOptions, 'swap'> = {}): RefreshAction {
  return replaceElement(target, { ...options, swap: morph })
}
