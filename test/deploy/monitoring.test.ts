import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeWhere } from '../browser/installed.js'
import { ROOT } from '../package/root.js'
import { startRelay } from '../relay/protocol-client.js'
import { makeFolder, run } from './fixtures.js'
import { findProgram } from './programs.js'

const PROMTOOL = findProgram('promtool')
const ADVICE = 'promtool is missing: apt-get install --no-install-recommends prometheus.'
const KEY = 'the-key-of-the-operator'

const MONITORING = join(ROOT, 'examples/relay/monitoring')
const RULES = join(MONITORING, 'alerts.yml')
const readMonitoring = (name: string): string => readFileSync(join(MONITORING, name), 'utf8')
const RULE_TESTS = readFileSync(join(import.meta.dirname, 'monitoring/alerts.test.yml'), 'utf8')

interface Panel {
  readonly id: number
  readonly title: string
  readonly description: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly refId: string; readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] }
}

const dashboard = JSON.parse(readMonitoring('dashboard.json')) as Dashboard
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const alerts = [...readMonitoring('alerts.yml').matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr)

/** Words of PromQL that are neither metrics nor functions. */
const KEYWORDS = new Set(['by', 'without', 'and', 'or', 'unless', 'on', 'ignoring', 'bool', 'offset'])

/** The metrics of a query: names that are no label, no function and no keyword. */
function metricsOf(query: string): string[] {
  const bare = query.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring) *\([^)]*\)|"[^"]*"/g, ' ')
  const words = [...bare.matchAll(/[a-zA-Z_:][\w:]*(?! *\(|\w)/g)].map(([word]) => word)
  return words.filter((word) => !KEYWORDS.has(word))
}

/** The query as Prometheus gets it from Grafana. */
function withoutVariables(query: string): string {
  return query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.+')
}

describe('the alerts and the dashboard for Grafana', () => {
  it('use metrics that a relay has, and leave none of its own out', async () => {
    const { page } = await startRelay({ dashboardKey: KEY })
    const answer = await fetch(`${page}metrics`, { headers: { Authorization: `Bearer ${KEY}` } })
    const real = [...(await answer.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
    const used = new Set([...queries, ...alerts].flatMap(metricsOf))
    // Prometheus itself makes up.
    expect([...used].filter((name) => name !== 'up' && !real.includes(name))).toEqual([])
    expect(real.length).toBeGreaterThan(15)
    const shown = new Set(queries.flatMap(metricsOf))
    expect(real.filter((name) => !shown.has(name))).toEqual([])
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance'])
    expect(JSON.stringify(dashboard.templating)).toContain('label_values(signalpost_connections, instance)')
  })

  it('find a metric that there is not', () => {
    expect(metricsOf('sum by (reason) (rate(no_such_total{a="b"}[5m])) > 0 and other_metric')).toEqual([
      'no_such_total',
      'other_metric',
    ])
  })

  it('have panels that do not overlap, each with a title, a description and targets', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { title, description, targets, gridPos } of panels) {
      expect([title !== '', description.endsWith('.'), targets.length > 0, gridPos.x + gridPos.w <= 24]).not.toContain(
        false,
      )
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

describeWhere(PROMTOOL, ADVICE)('promtool', () => {
  it('takes the alerts', async () => {
    const { code, text } = await run(PROMTOOL ?? '', ['check', 'rules', RULES])
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining(`SUCCESS: ${alerts.length} rules found`) })
  })

  it('sees each alert fire when it has to, and only then', async () => {
    const file = join(await makeFolder(), 'alerts.test.yml')
    await writeFile(file, RULE_TESTS.replace('ALERTS', RULES))
    const { code, text } = await run(PROMTOOL ?? '', ['test', 'rules', file])
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('SUCCESS') })
    const names = [...readMonitoring('alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name = '']) => name)
    const fired = names.filter((name) => new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`).test(RULE_TESTS))
    expect(fired).toEqual(names)
  })

  it('takes the queries of the dashboard', async () => {
    const file = join(await makeFolder(), 'queries.yml')
    const rules = queries.map((query, index) => ({ record: `query_${index}`, expr: withoutVariables(query) }))
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { code, text } = await run(PROMTOOL ?? '', ['check', 'rules', file])
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining(`SUCCESS: ${queries.length} rules found`) })
  })
})
