import { createSSRApp, h } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createSignalPlugin, useRefresh, useSendSignal, useSignal, useSignalStatus } from '../../src/vue/index.js'
import { describeOnServer } from '../bindings/server-suite.js'

describeOnServer('Vue', {
  render(client) {
    const app = createSSRApp({
      setup() {
        useSignal('A', () => undefined)
        useRefresh('A', () => undefined)
        useSendSignal()
        const status = useSignalStatus({ grace: 100 })
        return () => h('p', status.value.state)
      },
    })
    if (client) app.use(createSignalPlugin(client))
    return renderToString(app)
  },
})
