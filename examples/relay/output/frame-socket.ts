/** The members of a stream that takes the outgoing frames of a connection. */
export interface FrameOutput {
  readonly destroyed: boolean
  readonly writableLength: number
  write(frames: Buffer): boolean
  on(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/** The members of a WebSocket that a connection uses. */
export interface FrameSocket {
  readonly readyState: number
  readonly OPEN: number
  readonly CLOSED: number
  readonly isPaused: boolean
  on(event: 'message', listener: (bytes: Buffer, isBinary: boolean) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'close', listener: (code: number) => void): unknown
  on(event: 'pong', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
  ping(): void
  pause(): void
  resume(): void
  close(code: number, reason: string): void
  terminate(): void
}
