import { call } from '../../page/dom.js'

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(html: string): string }): { createHTML(html: string): string }
}

// Stored on the page: the copies of this package in a script tag and in a bundle may create the policy only once.
const KEY = Symbol.for('signalpost:policy')

/** The opening of a declarative shadow tree; clones of its host have none unless it says so. */
const SHADOW = /<template(?=[^>]*\sshadowrootmode)/gi

/**
 * Parses a page or a fragment, table rows included, as the browser parses a response of this content type on load; scripts
 * never run. With Trusted Types, the page must allow the policy `signalpost`.
 */
export function parseHtml(html: string, type: string): ParentNode {
  const template = call(document, 'createElement', 'template') as HTMLTemplateElement
  const trusted = trust(html.replace(SHADOW, '$& shadowrootclonable'))
  if (/xml/i.test(type)) return new DOMParser().parseFromString(trusted, 'application/xhtml+xml')
  if ('setHTMLUnsafe' in template) template.setHTMLUnsafe(trusted)
  else (template as HTMLTemplateElement).innerHTML = trusted
  // Where scripts run, the browser parses this element as a text.
  for (const element of template.content.querySelectorAll('noscript')) element.textContent = element.innerHTML
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
