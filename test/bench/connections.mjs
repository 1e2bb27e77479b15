/** Connections of tabs that are idle: each says hello, joins a room, and stays. */
import { WebSocket } from 'ws'

const DIALLING_AT_ONCE = 64
const BEAT = '{"type":"beat"}'
const JOINED = '{"type":"joined"'

/** Opens so many connections, on one socket each or with so many tabs on one socket. */
export async function openConnections(port, { count, tabs, onBeat = () => {}, onClose = () => {} }) {
  let left = count
  async function dial() {
    while (left > 0) {
      left -= tabs
      await (tabs > 1 ? openShared() : open())
    }
  }
  await Promise.all(Array.from({ length: DIALLING_AT_ONCE }, dial))

  function open() {
    const socket = dialTo('/signals')
    socket.on('open', () => socket.send(hello()))
    return untilJoined(socket, 1, () => 1)
  }

  /** The relay writes a text for several tabs once, after their numbers. */
  function openShared() {
    const socket = dialTo('/signals?shared')
    socket.on('open', () => {
      for (let number = 1; number <= tabs; number += 1) socket.send(`${number} ${hello()}`)
    })
    return untilJoined(socket, tabs, (text) => text.split(' ', 1)[0].split(',').length)
  }

  function dialTo(path) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false })
    return socket.on('close', onClose)
  }

  function untilJoined(socket, wanted, tabsOf) {
    return new Promise((resolve, reject) => {
      let joined = 0
      socket.on('error', reject)
      socket.on('message', (bytes) => {
        const text = String(bytes)
        if (text.includes(BEAT)) onBeat()
        if (!text.includes(JOINED)) return
        joined += tabsOf(text)
        if (joined === wanted) resolve()
      })
    })
  }
}

function hello() {
  const tab = crypto.randomUUID().replaceAll('-', '').slice(0, 22)
  return JSON.stringify({ type: 'hello', v: 1, tab, rooms: [{ room: 'main' }] })
}
