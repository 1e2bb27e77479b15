import { expect, vi } from 'vitest'
import { KEEPS, startRedis, type RedisServer } from './redis-server.js'

const WAITING = { timeout: 40_000, interval: 50 }

/** Three nodes that share all slots. */
export async function startCluster(): Promise<RedisServer[]> {
  const args = [...KEEPS.everything, '--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis([...args, '--cluster-require-full-coverage', 'no'])))
  const share = Math.ceil(16_384 / nodes.length)
  for (const [index, node] of nodes.entries()) {
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min((index + 1) * share, 16_384) - 1)
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    if (index > 0) await nodes[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', node.port)
  }
  for (const node of nodes) {
    await vi.waitFor(async () => {
      const info = String(await node.ask('CLUSTER', 'INFO'))
      expect(info).toContain('cluster_state:ok')
      expect(info).toContain('cluster_known_nodes:3')
      expect(info).toContain('cluster_slots_assigned:16384')
    }, WAITING)
  }
  return nodes
}
