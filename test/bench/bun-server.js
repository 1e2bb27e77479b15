/** Bun's own server, which has uWebSockets inside, with its own topics. Usage: bun bun-server.js PORT */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response('websocket only', { status: 426 })),
  websocket: {
    idleTimeout: 0,
    open: (socket) => socket.subscribe('signals'),
    message(socket, text) {
      server.publish('signals', JSON.stringify(JSON.parse(text)))
    },
  },
})
