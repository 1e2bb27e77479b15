import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { filesIn, ROOT } from './root.js'

const FOLDERS = ['src', 'examples/relay']
const MAX_LINES = 60
const MAX_VARIABLES = 5

/** Wiring: a list of parts, each with its options, in the order in which they depend on each other. */
const LONG = ['src/delivery/delivery.ts createDelivery', 'examples/relay/relay.ts createRelay']

interface Measured {
  readonly name: string
  /** Without the lines of the functions inside. */
  readonly lines: number
  /** Variables of its own scope that functions inside may change. */
  readonly variables: number
}

function measure(path: string): Measured[] {
  const source = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true)
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line
  const measured: Measured[] = []

  /** Returns the lines that the functions in a node take. */
  function visit(node: ts.Node): number {
    let inside = 0
    ts.forEachChild(node, (child) => {
      inside += visit(child)
    })
    const body = bodyOf(node)
    if (!body) return inside
    const all = lineOf(body.end) - lineOf(body.getStart()) + 1
    measured.push({ name: `${path} ${nameOf(node)}`, lines: all - inside, variables: variablesOf(body) })
    return all
  }

  visit(source)
  return measured
}

function bodyOf(node: ts.Node): ts.Block | undefined {
  const { body } = node as Partial<ts.FunctionLikeDeclaration>
  return ts.isFunctionLike(node) && body && ts.isBlock(body) ? body : undefined
}

function nameOf(node: ts.Node): string {
  return (node as ts.NamedDeclaration).name?.getText() ?? '(anonymous)'
}

function variablesOf({ statements }: ts.Block): number {
  const lists = statements.filter((statement) => ts.isVariableStatement(statement)).map((each) => each.declarationList)
  const names = lists
    .filter(({ flags }) => flags & ts.NodeFlags.Let)
    .flatMap(({ declarations }) => Array.from(declarations))
  return names.reduce((sum, { name }) => sum + (ts.isIdentifier(name) ? 1 : name.elements.length), 0)
}

describe.each(FOLDERS)('the functions of %s', (folder) => {
  const functions = filesIn(folder, '.ts').flatMap((file) => measure(join(folder, file)))

  it('have at most 60 lines, not counting the functions inside, but for wiring', () => {
    expect(functions.length).toBeGreaterThan(100)
    const long = functions.filter(({ lines }) => lines > MAX_LINES).map(({ name }) => name)
    expect(long).toEqual(LONG.filter((name) => name.startsWith(folder)))
  })

  it('have at most 5 variables that change', () => {
    expect(functions.filter(({ variables }) => variables > MAX_VARIABLES)).toEqual([])
  })
})
