/** Elements that users may have written, as the page says: what their `data-signal-*` attributes say is not done. */
export const USER_CONTENT = '[data-signal-ignore], [data-signal-ignore] *'
