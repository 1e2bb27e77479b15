import { morph } from './morph.js'

// A script tag of its own, after that of signalpost.
Object.assign(((globalThis as { Signalpost?: object }).Signalpost ??= {}), { morph })
