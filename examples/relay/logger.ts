type Write = (fields: Readonly<Record<string, unknown>>, text: string) => void

/** The logger of the relay. Fields never contain a token or the data of a signal. */
export interface Logger {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

/** Creates a logger that discards everything. */
export function createSilentLogger(): Logger {
  return { debug: ignore, info: ignore, warn: ignore, error: ignore }
}

/** Makes text of a client safe for a line of a log or terminal. */
export function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x21-\x7e]/g, '?')
}

function ignore(): void {}
