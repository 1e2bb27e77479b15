import { SignalError } from './errors.js'
import { badOption, checkName } from './option-checks.js'

/**
 * The part of Standard Schema v1 (https://standardschema.dev) that signalpost uses; zod, valibot, arktype and others
 * implement it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type Schemas = Readonly<Record<string, StandardSchema>>
type TypesOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>

/** The data that pages send under a set of schemas. */
export type ContractInput<Names extends Schemas> = { [Name in keyof Names]: TypesOf<Names[Name]>['input'] }
/** The data that receivers get: the output of the schemas. */
export type ContractOutput<Names extends Schemas> = { [Name in keyof Names]: TypesOf<Names[Name]>['output'] }

/** The result of `defineSignals`, for the option `signals` of `createSignalClient`. */
export interface SignalContract<Sent extends object, Received extends object> {
  /** Returns the output of the schema. Throws SignalError `contract`. */
  readonly '~check': (name: string, data: unknown) => unknown
  /** Exists for the compiler only. */
  readonly '~types'?: { readonly sent: Sent; readonly received: Received }
}

/**
 * Names the signals of an application by schemas (Standard Schema: zod, valibot, arktype …). The schemas give the types, and
 * check data in both directions: `sendSignal` throws for wrong data; received wrong data goes to `onError`, and to no
 * handler. A receiver gets the output of the schema (defaults, transformations). Validation must be synchronous.
 *
 * @throws SignalError `bad-name` or `bad-option`, at the call.
 * @example
 * const signals = defineSignals({ ReportIncome: z.object({ userId: z.number() }) })
 * const client = createSignalClient({ signals })
 */
export function defineSignals<const Names extends Schemas>(
  schemas: Names,
): SignalContract<ContractInput<Names>, ContractOutput<Names>> {
  // Pages without a compiler call it too.
  if (!(schemas as Names | undefined))
    throw badOption('defineSignals() takes schemas by name, like { Saved: z.object(…) }')
  for (const [name, schema] of Object.entries<StandardSchema | undefined>(schemas)) {
    checkName(name)
    if (!schema?.['~standard']) throw badOption(`defineSignals() takes a schema for ${name}, like z.object(…)`)
  }
  // A Map, because a name may be that of a member of all objects.
  const byName = new Map(Object.entries<StandardSchema>(schemas))
  return {
    '~check'(name, data) {
      checkName(name)
      const schema = byName.get(name)
      if (!schema) throw broken(name, 'is not in the contract: add it to defineSignals()')
      const result = validate(schema, name, data)
      if (result instanceof Promise) throw broken(name, 'has a schema that is asynchronous: use one that is not')
      // The message names no path: keys of a record, and texts of issues, may hold data.
      if (result.issues) {
        throw broken(name, `breaks its contract (issues in error.cause: ${result.issues.length})`, result.issues)
      }
      return result.value
    },
  }
}

function validate(
  schema: StandardSchema,
  name: string,
  data: unknown,
): ReturnType<StandardSchema['~standard']['validate']> {
  try {
    return schema['~standard'].validate(data)
  } catch (cause) {
    throw broken(name, 'has a schema that threw: see error.cause', cause)
  }
}

function broken(name: string, what: string, cause?: unknown): SignalError {
  return new SignalError('contract', `Signal "${name}" ${what}.`, cause)
}
