import solid from 'vite-plugin-solid'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const page = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  plugins: [solid()],
  build: {
    rolldownOptions: { input: [page('index.html'), page('report.html')] },
  },
  server: {
    // The relay seems to be at the page's own origin, so no page needs its address, neither here nor in production.
    proxy: { '/signals': { target: 'ws://localhost:8081', ws: true } },
  },
})
