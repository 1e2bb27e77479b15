/** Elements that the page marks as written by users: their `data-signal-*` attributes have no effect. */
export const USER_CONTENT = '[data-signal-ignore], [data-signal-ignore] *'
