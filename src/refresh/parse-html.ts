interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(html: string): string }): { createHTML(html: string): string }
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined

/**
 * Parses a page or a fragment of one, rows of a table included, as the same server's HTML is parsed when the page is loaded,
 * except that scripts are never run. Under Trusted Types it needs the policy `signalpost`.
 */
export function parseHtml(html: string): DocumentFragment {
  const template = document.createElement('template')
  template.innerHTML = trust(html)
  return template.content
}

function trust(html: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  policy ??= trustedTypes?.createPolicy('signalpost', { createHTML: (html) => html })
  return policy ? policy.createHTML(html) : html
}
