/** The relay of the soak: says, when it is asked, what it holds after the garbage is collected. */
import { createRelay } from '../../dist/relay/index.js'
import { openFiles } from './machine.mjs'

const relay = createRelay({ ...JSON.parse(process.argv[2]), open: true, rate: 0 })
process.on('message', () => {
  globalThis.gc()
  process.send({
    heap: process.memoryUsage().heapUsed,
    descriptors: openFiles('self'),
    timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
  })
})
process.on('SIGTERM', () => void relay.close().then(() => process.exit(0)))
const { port } = await relay.listen()
process.send({ port })
