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
  return { debug: tellNobody, info: tellNobody, warn: tellNobody, error: tellNobody }
}

function tellNobody(): void {}
