/** A sheet at the lower edge of a phone, a card in the lower right corner elsewhere. */
export const STYLE = `
:host { all: initial; position: fixed; z-index: 2147483647; inset: auto 0 0; color-scheme: light dark;
  --text: #111827; --muted: #4b5563; --back: #ffffff; --line: #6b7280; --soft: #f3f4f6; --focus: #1d4ed8;
  font: 13px/1.45 system-ui, sans-serif; color: var(--text) }
@media (prefers-color-scheme: dark) {
  :host { --text: #f3f4f6; --muted: #c4c9d1; --back: #111827; --line: #8b93a1; --soft: #1f2937; --focus: #93c5fd }
}
@media (min-width: 40rem) {
  :host { inset: auto 1rem 1rem auto; width: 26rem }
  .panel { border: 1px solid var(--line); border-radius: 0.5rem }
}
@media print { :host { display: none } }
* { box-sizing: border-box }
[hidden] { display: none !important }
.panel { display: flex; flex-direction: column; gap: 0.5rem; max-height: min(60dvh, 34rem); padding: 0.75rem;
  background: var(--back); border-top: 1px solid var(--line); box-shadow: 0 0 1.5rem rgb(0 0 0 / 0.25) }
header, footer { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center }
h2 { margin: 0 auto 0 0; font-size: 14px }
button { min-height: 2rem; padding: 0 0.75rem; font: inherit; color: inherit; background: var(--soft);
  border: 1px solid var(--line); border-radius: 0.25rem; cursor: pointer }
@media (pointer: coarse) { button, label, summary { min-height: 2.75rem } }
label { display: flex; gap: 0.375rem; align-items: center; margin-right: auto }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0.375rem; margin: 0 }
dl div { padding: 0.25rem 0.5rem; background: var(--soft); border-radius: 0.25rem }
dt { font-size: 12px; color: var(--muted) }
dd { margin: 0; font-size: 16px; font-variant-numeric: tabular-nums }
details { display: flex; flex-direction: column; min-height: 0 }
details[open] { overflow: auto; border: 1px solid var(--line); border-radius: 0.25rem }
summary { position: sticky; top: 0; padding: 0.25rem 0.5rem; background: var(--soft); cursor: pointer; border-radius: 0.25rem }
ol { margin: 0; padding: 0.25rem 0.5rem; list-style: none; overflow-wrap: anywhere }
li { padding: 0.125rem 0 }
time { color: var(--muted); font-variant-numeric: tabular-nums }
code { display: block; padding-left: 1rem; font: 12px/1.4 ui-monospace, monospace; white-space: pre-wrap }
textarea { flex: none; width: 100%; height: 6rem; font: 12px/1.4 ui-monospace, monospace }
.status, .gap { font-weight: 600 }
`
