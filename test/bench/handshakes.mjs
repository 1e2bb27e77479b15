/**
 * Protocols whose own servers come neither from npm nor from Debian, so that their clients can be measured: as much of
 * each, over plain ws, as a client needs to connect and to subscribe.
 */

/** Each answers what a client says on a socket, and calls back when the client has subscribed. */
export const HANDSHAKES = {
  /** Centrifugo's, in JSON: commands with ids, in lines. */
  centrifuge(socket, onSubscribed) {
    socket.on('message', (lines) => {
      for (const line of String(lines).split('\n')) {
        const { id, connect, subscribe } = JSON.parse(line)
        if (connect) socket.send(JSON.stringify({ id, connect: { client: 'me', version: '6', ping: 25, pong: true } }))
        if (!subscribe) continue
        socket.send(JSON.stringify({ id, subscribe: {} }))
        onSubscribed()
      }
    })
  },

  /** Action Cable's, which AnyCable speaks too: the server begins. */
  anycable(socket, onSubscribed) {
    socket.send('{"type":"welcome"}')
    socket.on('message', (text) => {
      const { command, identifier } = JSON.parse(String(text))
      if (command !== 'subscribe') return
      socket.send(JSON.stringify({ type: 'confirm_subscription', identifier }))
      onSubscribed()
    })
  },
}
