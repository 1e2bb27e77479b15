/** A change of the number that a limit has for a key. */
export type ChangeCount = (key: string, change: number) => void

/** Connects a limit with the same limit of other processes: applies their changes, and returns how to announce own ones. */
export type ShareChanges = (apply: ChangeCount) => ChangeCount

/** The limit belongs to this process alone. */
export const unshared: ShareChanges = () => () => {}
