/** Returns a port of the loopback interface that no server listens on. */
export function findFreePort(): Promise<number>
