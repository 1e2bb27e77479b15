import { call } from '../../page/dom.js'

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(html: string): string }): { createHTML(html: string): string }
}

// On the page, not in this module: a script tag's copy and a bundle's copy of this package may make it once.
const KEY = Symbol.for('signalpost:policy')

/**
 * Parses a page or a fragment of one, rows of a table included, as the same server's HTML is parsed when the page is loaded,
 * except that scripts are never run. Under Trusted Types it needs the policy `signalpost`.
 */
export function parseHtml(html: string): DocumentFragment {
  const template = call(document, 'createElement', 'template') as HTMLTemplateElement
  template.innerHTML = trust(html)
  return template.content
}

function trust(html: string): string {
  const page = globalThis as {
    trustedTypes?: TrustedTypes
    [KEY]?: ReturnType<TrustedTypes['createPolicy']> | undefined
  }
  const policy = (page[KEY] ??= page.trustedTypes?.createPolicy('signalpost', { createHTML: (html) => html }))
  return policy ? policy.createHTML(html) : html
}
