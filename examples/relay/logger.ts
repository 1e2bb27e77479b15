type Write = (fields: Readonly<Record<string, unknown>>, text: string) => void

/** Where the relay tells what happens to it. Fields never hold a token or the data of a signal. */
export interface Logger {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

/** Tells nobody. */
export function createSilentLogger(): Logger {
  return { debug: ignore, info: ignore, warn: ignore, error: ignore }
}

/** What a stranger wrote, as a line of a log or a terminal can bear it. */
export function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x21-\x7e]/g, '?')
}

function ignore(): void {}
