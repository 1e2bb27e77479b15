import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const page = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  plugins: [svelte()],
  build: {
    rolldownOptions: { input: [page('index.html'), page('report.html')] },
  },
  server: {
    // The relay seems to be at the page's own origin, so no page needs its address, neither here nor in production.
    proxy: { '/signals': { target: 'ws://localhost:8081', ws: true } },
  },
})
