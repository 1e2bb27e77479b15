/** How long the browser remembers a signal (ms): relays keep signals for a shorter time. */
const MEMORY = 3_600_000
const STORE = 'handled'

/** The memory of all tabs. The user may clear it at any time. */
let opening: Promise<IDBDatabase> | undefined

/** Returns whether a tab of this browser has handled a signal; false where the browser stores nothing. */
export async function wasHandled(key: string): Promise<boolean> {
  const count = await request('readonly', (store) => store.count(key)).catch(() => 0)
  return count > 0
}

/** Notes that this tab has handled a signal, where the browser stores anything. */
export async function noteHandled(key: string): Promise<void> {
  await request('readwrite', (store) => store.put({ at: Date.now() }, key)).catch(() => undefined)
}

/** Asks the store, and opens it once more if the browser has closed it. */
async function request<Result>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const attempt = async (): Promise<Result> => {
    opening ??= openDatabase()
    const database = await opening
    return resultOf(ask(database.transaction(STORE, mode).objectStore(STORE)))
  }
  try {
    return await attempt()
  } catch {
    opening = undefined
    return attempt()
  }
}

async function openDatabase(): Promise<IDBDatabase> {
  const asked = indexedDB.open('signalpost', 1)
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE).createIndex('at', 'at')
  const database = await resultOf(asked)
  // Another version of the package may need the database, or the page deletes it.
  database.onversionchange = () => database.close()
  const store = database.transaction(STORE, 'readwrite').objectStore(STORE)
  const old = await resultOf(store.index('at').getAllKeys(IDBKeyRange.upperBound(Date.now() - MEMORY)))
  for (const key of old) store.delete(key)
  return database
}

function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error as Error)
  })
}
