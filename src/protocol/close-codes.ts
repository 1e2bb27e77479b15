/**
 * The close codes of the protocol. After 44xx a client does not reconnect unchanged; after 45xx it reconnects with jitter.
 * Import them as a namespace: `import * as CloseCode from './close-codes.js'`.
 */
export const Normal = 1000
export const GoingAway = 1001
export const Abnormal = 1006
export const MessageTooBig = 1009
export const BadFrame = 4400
export const Unauthorized = 4401
export const Forbidden = 4403
export const TooLarge = 4413
export const Version = 4426
export const Internal = 4500
export const Restart = 4503
export const TooSlow = 4508
export const HelloTimeout = 4509
export const TooMany = 4529
