/**
 * Lets the page cut its own line. The client looks up `WebSocket` when it dials, so a subclass that is in place before
 * the client exists can lose its connection as a bad network would lose it: the client hears 1006 at once, and no goodbye
 * reaches the relay first. A page cannot switch the browser's own "offline" on, and closing the client would show
 * something else.
 */
export function installNetworkSwitch() {
  const Native = window.WebSocket
  const open = new Set()
  let isOffline = false

  class SwitchedWebSocket extends Native {
    constructor(url, protocols) {
      if (isOffline) return createDeadSocket()
      super(url, protocols)
      open.add(this)
      this.addEventListener('close', () => open.delete(this))
    }
  }

  function cut() {
    for (const socket of open) {
      socket.dispatchEvent(lineBroke())
      socket.close()
    }
  }

  window.WebSocket = SwitchedWebSocket
  return {
    cut,
    get isOffline() {
      return isOffline
    },
    set isOffline(value) {
      isOffline = value
      if (isOffline) cut()
    },
  }
}

/** Fails like a socket without a network, but without the browser's line about it in the console. */
function createDeadSocket() {
  const socket = Object.assign(new EventTarget(), { readyState: WebSocket.CLOSED, close() {}, send() {} })
  setTimeout(() => socket.dispatchEvent(lineBroke()))
  return socket
}

function lineBroke() {
  return new CloseEvent('close', { code: 1006 })
}
