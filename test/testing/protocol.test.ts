import { describe, onTestFinished } from 'vitest'
import { createTestRelay } from '../../src/testing/index.js'
import { type ConnectOptions, type Conversation, sayHello } from '../relay/protocol-client.js'
import { checkProtocol } from '../relay/protocol/suite.js'
import { openPage } from './page.js'

async function connect(url: string, options: ConnectOptions = {}): Promise<Conversation> {
  const { page, opened } = openPage(url)
  await opened
  sayHello(page, options)
  return page
}

describe('the test relay', () => {
  checkProtocol(async () => {
    const relay = createTestRelay()
    onTestFinished(relay.close)
    return {
      connect: (options) => connect(relay.url, options),
      async join(...names) {
        const rooms = names.length > 0 ? names : ['main']
        const page = await connect(relay.url, { rooms })
        for (const _ of rooms) await page.next('joined')
        return page
      },
    }
  })
})
