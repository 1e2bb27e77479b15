/** The core: every page with signals loads it. */
const CORE = {
  '.': 'createSignalClient, sendSignal, receiveSignal, onSignalStatus, getPageClient, onPageClient',
}

const REFRESH = { ...CORE, './refresh': 'refreshOn' }
const ACTIONS = { ...CORE, './refresh': 'refreshOn, reloadPage, replaceElement, submitForm' }

/** What an application imports, by entry point, and what it imports anyway: the feature weighs the difference. */
export const FEATURES = [
  { name: '`sendSignal`, `receiveSignal`', imports: { '.': 'sendSignal, receiveSignal' } },
  { name: '`createSignalClient`', imports: { '.': 'createSignalClient' } },
  { name: 'the core', imports: CORE },
  { name: '`nextSignal`', on: CORE, imports: { '.': 'nextSignal' } },
  { name: '`signalStream`', on: CORE, imports: { '.': 'signalStream' } },
  { name: '`defineSignals`', on: CORE, imports: { '.': 'defineSignals' } },
  { name: '`refreshOn`', on: CORE, imports: { './refresh': 'refreshOn' } },
  { name: '`reloadPage`', on: REFRESH, imports: { './refresh': 'reloadPage' } },
  { name: '`replaceElement`', on: REFRESH, imports: { './refresh': 'replaceElement' } },
  { name: '`submitForm`', on: REFRESH, imports: { './refresh': 'submitForm' } },
  { name: '`morphElement`', on: ACTIONS, imports: { './morph': 'morphElement' } },
  { name: '`bindHtml`', on: ACTIONS, imports: { './html': 'bindHtml' } },
  { name: '`httpFallback`', on: CORE, imports: { './fallback': 'httpFallback' } },
  { name: '`sharedTransport`', on: CORE, imports: { './tabs': 'sharedTransport' } },
  { name: '`sharedFetch`', on: ACTIONS, imports: { './tabs': 'sharedFetch' } },
  { name: '`oncePerBrowser`', on: CORE, imports: { './tabs': 'oncePerBrowser' } },
  { name: '`showInspector`', on: CORE, imports: { './inspector': 'showInspector' } },
  ...['react', 'vue', 'svelte', 'solid'].map((framework) => ({
    name: `\`useSignal\` of \`signalpost/${framework}\``,
    on: CORE,
    imports: { [`./${framework}`]: 'useSignal' },
  })),
]

/** The files that a page loads without a bundler. */
export const FILES = {
  'signalpost.min.js': 'the script tag',
  'signalpost-fallback.min.js': '`data-fallback`',
  'signalpost-tabs.min.js': '`data-shared`',
  'signalpost-worker.min.js': '`data-worker`',
  'signalpost-morph.min.js': '`data-signal-swap="morph"`',
  'signalpost-inspector.js': 'the inspector, on request',
}
