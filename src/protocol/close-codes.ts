/** The close codes of the protocol: 44xx do not come back unchanged, 45xx come back with jitter. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  Abnormal: 1006,
  MessageTooBig: 1009,
  BadFrame: 4400,
  Unauthorized: 4401,
  Forbidden: 4403,
  TooLarge: 4413,
  Version: 4426,
  Internal: 4500,
  Restart: 4503,
  TooSlow: 4508,
  HelloTimeout: 4509,
  TooMany: 4529,
} as const
