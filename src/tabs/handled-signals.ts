/** How long the browser remembers a signal (ms): relays keep signals for a shorter time. */
const MEMORY = 3_600_000
const STORE = 'handled'

/** The signals that a tab of this browser has handled. */
export interface HandledSignals {
  has(key: string): Promise<boolean>
  add(key: string): Promise<void>
}

/** Opens the memory of all tabs. Rejects where the browser stores nothing. */
export async function openHandledSignals(): Promise<HandledSignals> {
  const opening = indexedDB.open('signalpost', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE).createIndex('at', 'at')
  const database = await resultOf(opening)
  // Another version of the package may need the database.
  database.onversionchange = () => database.close()

  const store = (mode: IDBTransactionMode): IDBObjectStore => database.transaction(STORE, mode).objectStore(STORE)

  async function forgetOld(): Promise<void> {
    const old = await resultOf(
      store('readonly')
        .index('at')
        .getAllKeys(IDBKeyRange.upperBound(Date.now() - MEMORY)),
    )
    for (const key of old) store('readwrite').delete(key)
  }

  await forgetOld()
  return {
    has: async (key) => (await resultOf(store('readonly').count(key))) > 0,
    add: async (key) => void (await resultOf(store('readwrite').put({ at: Date.now() }, key))),
  }
}

function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error as Error)
  })
}
